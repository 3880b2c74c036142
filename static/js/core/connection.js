// The socket: opened, watched, and opened again. A state machine over ports, so that it runs on a fake clock.
import { backoff } from "./backoff.js";

/** Silence after which the browser asks whether anybody is there, and how long it waits for an answer. */
const QUIET_MS = 30_000;
const ANSWER_MS = 10_000;
/** The same where the network may be another: then the old way is mostly dead, and a new one is quickly had. */
const DOUBT_MS = 3000;
/** A connection that lived this long starts the back-off anew. */
const STEADY_MS = 10_000;
/** The session is over: nothing to try again. */
const ENDED = 4001;
/** Too slow, or silent: come back at once. */
const AT_ONCE = new Set([4002, 4004]);

/**
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {"connecting" | "open" | "waiting" | "offline" | "ended"} State
 * @typedef {{ send(text: string): void, close(code?: number): void, onopen: any, onmessage: any, onclose: any }} Socket
 * @typedef {{ open: () => Socket, frame: (frame: Frame) => void, state: (state: State, retryAt: number) => void,
 *   now?: () => number, random?: () => number, later?: (ms: number, then: () => void) => any,
 *   stop?: (timer: any) => void, online?: () => boolean }} Ports
 */

export class Connection {
  /** @type {Required<Ports>} */ #ports;
  /** @type {Socket | null} */ #socket = null;
  /** @type {State} */ #state = "offline";
  /** @type {number | null} */ #afterMs = null;
  /** @type {any} */ #timer = null;
  #tries = 0;
  #openedAt = 0;
  /** Until when an answer is waited for; 0 when nothing was asked. */ #answerBy = 0;

  /** @param {Ports} ports */
  constructor(ports) {
    this.#ports = {
      now: Date.now,
      random: Math.random,
      later: (ms, then) => setTimeout(then, ms),
      stop: (timer) => clearTimeout(timer),
      online: () => true,
      ...ports,
    };
  }

  get state() {
    return this.#state;
  }

  /** Opens it now, whatever it waited for. */
  connect() {
    if (this.#state === "connecting" || this.#state === "open" || this.#state === "ended") return;
    this.#rest();
    this.#set("connecting", 0);
    let socket;
    try {
      socket = this.#ports.open();
    } catch {
      this.#again(null);
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.#is(socket) && this.#opened();
    socket.onmessage = (/** @type {{ data: string }} */ event) => this.#is(socket) && this.#heard(event.data);
    socket.onclose = (/** @type {{ code: number }} */ event) => this.#is(socket) && this.#closed(event.code);
    this.#watch(QUIET_MS, () => this.#dead());
  }

  /** @param {Frame} frame @returns {boolean} whether it was handed to the socket */
  send(frame) {
    if (this.#state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The network is back: try at once. */
  online() {
    if (this.#state === "open") this.doubt();
    else {
      this.#tries = 0;
      this.connect();
    }
  }

  /** The network is gone. An open socket may still be alive: ask. */
  offline() {
    if (this.#state === "open") this.#ask();
    else if (this.#state === "waiting") this.#set("offline", 0);
  }

  /** The page was hidden and is seen again: timers may have slept, so ask. */
  shown() {
    if (this.#state === "open") this.#ask();
    else this.connect();
  }

  /** Something says that the network may be another: is anybody there still? */
  doubt() {
    if (this.#state === "open") this.#ask(DOUBT_MS);
  }

  /** For good. */
  end() {
    this.#rest();
    this.#drop();
    this.#set("ended", 0);
  }

  /** @param {Socket} socket */
  #is(socket) {
    return this.#socket === socket;
  }

  #opened() {
    this.#openedAt = this.#ports.now();
    this.#afterMs = null;
    this.#set("open", 0);
    this.#quiet();
  }

  /** @param {string} text */
  #heard(text) {
    this.#quiet();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame?.type === "pong") return;
    if (frame?.type === "bye") this.#afterMs = frame.after_ms;
    else this.#ports.frame(frame);
  }

  #quiet() {
    this.#answerBy = 0;
    this.#watch(QUIET_MS, () => this.#ask());
  }

  #ask(ms = ANSWER_MS) {
    const by = this.#ports.now() + ms;
    // Asked again, one doesn't wait for longer.
    if (this.#answerBy && this.#answerBy <= by) return;
    if (!this.#answerBy) this.send({ type: "ping" });
    this.#answerBy = by;
    this.#watch(ms, () => this.#dead());
  }

  #dead() {
    this.#drop();
    this.#closed(4004);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close();
    } catch {
      // It was never open.
    }
  }

  /** @param {number} code */
  #closed(code) {
    const steady = this.#state === "open" && this.#ports.now() - this.#openedAt >= STEADY_MS;
    this.#socket = null;
    this.#rest();
    if (code === ENDED) {
      this.#set("ended", 0);
      return;
    }
    if (steady) this.#tries = 0;
    this.#again(this.#tries === 0 && AT_ONCE.has(code) ? 0 : this.#afterMs);
    this.#afterMs = null;
  }

  /** @param {number | null} afterMs */
  #again(afterMs) {
    this.#tries += 1;
    if (!this.#ports.online()) {
      this.#set("offline", 0);
      return;
    }
    const wait = afterMs ?? backoff(this.#tries, this.#ports.random);
    this.#set("waiting", this.#ports.now() + wait);
    this.#watch(wait, () => this.connect());
  }

  /** @param {number} ms @param {() => void} then */
  #watch(ms, then) {
    this.#rest();
    this.#timer = this.#ports.later(ms, then);
  }

  #rest() {
    if (this.#timer !== null) this.#ports.stop(this.#timer);
    this.#timer = null;
  }

  /** @param {State} state @param {number} retryAt */
  #set(state, retryAt) {
    this.#state = state;
    this.#ports.state(state, retryAt);
  }
}
