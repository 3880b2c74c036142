// One's own place in a call: asked for, had, kept over a lost connection and a reload, lost to another page, given up.
// Pure: frames and wishes in, frames and news out.

/**
 * @typedef {{ call: string, peer: string, entry: number }} Place
 * @typedef {{ room: string, place: Place }} Kept
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {"moved" | "removed" | "lost" | "over"} Why
 * @typedef {{ page: string, send: (frame: Frame) => boolean, nonce: () => string, media: () => Record<string, any>,
 *   keep: (kept: Kept | null) => void, joined: (frame: Frame) => void, left: (why: Why | "own") => void,
 *   refused: (error: { code: string, message: string, room: string, again: boolean }) => void,
 *   later?: (ms: number, then: () => void) => any, stop?: (timer: any) => void }} Ports
 * `media`: what one sends when one comes. `refused`: `again` tells whether one was coming back.
 */

/** An answer that doesn't come this long won't. */
const ANSWER_MS = 20_000;
/** Where the server doesn't say when to try again. */
const AGAIN_MS = 1000;

export class Attendance {
  /** @type {Required<Ports>} */ #ports;
  /** @type {{ room: string, nonce: string, place: Place | null, sent: boolean } | null} */ #asking = null;
  /** @type {Kept | null} */ #has = null;
  /** @type {Frame | null} a leave that couldn't be sent yet */ #leaving = null;
  /** @type {any} */ #timer = null;

  /** @param {Ports} ports */
  constructor(ports) {
    this.#ports = { later: (ms, then) => setTimeout(then, ms), stop: (timer) => clearTimeout(timer), ...ports };
  }

  /** The call one is in. */
  get place() {
    return this.#has;
  }

  /** The room whose call one is in, or about to be. */
  get room() {
    return this.#has?.room ?? this.#asking?.room ?? null;
  }

  /** Steps in, or moves one's place here from another page. @param {string} room */
  join(room) {
    if (this.#has && this.#has.room !== room) this.leave();
    this.#ask(room, null);
  }

  /** Comes back after a reload. @param {Kept} kept */
  resume({ room, place }) {
    this.#ask(room, place);
  }

  leave() {
    const had = this.#has;
    const asked = this.#asking;
    this.#drop();
    if (!had && !asked) return;
    const call = had?.place.call ?? asked?.place?.call;
    if (call) {
      const frame = { type: "call-leave", room: had?.room ?? asked?.room, call, nonce: this.#ports.nonce() };
      if (!this.#ports.send(frame)) this.#leaving = frame;
    }
    this.#ports.left("own");
  }

  /** The connection is there (again). */
  opened() {
    if (this.#leaving) this.#ports.send(this.#leaving);
    this.#leaving = null;
    if (this.#asking) this.#send();
    else if (this.#has) this.#ask(this.#has.room, this.#has.place);
  }

  /** The connection went: what was asked will be asked again. Media goes on. */
  cut() {
    if (this.#asking) this.#asking.sent = false;
    this.#rest();
  }

  /** The server doesn't know of the place any more: asked for again. */
  doubt() {
    if (this.#has && !this.#asking) this.#ask(this.#has.room, this.#has.place);
  }

  /** @param {Frame} frame of the types `call-joined`, `call-left` and `error` @returns {boolean} whether it concerned this */
  take(frame) {
    if (frame.type === "call-joined") return this.#joined(frame);
    if (frame.type === "call-left") return this.#lost(frame);
    return this.#refused(frame);
  }

  /** @param {Frame} frame */
  #joined(frame) {
    const { room, peer, entry, call } = frame;
    if (!this.#asking || frame.nonce !== this.#asking.nonce) {
      // Asked for and then given up: the place isn't wanted any more.
      if (this.#has?.place.call !== call.call) this.#ports.send({ type: "call-leave", room, call: call.call, nonce: this.#ports.nonce() });
      return false;
    }
    this.#rest();
    this.#asking = null;
    this.#has = { room, place: { call: call.call, peer, entry } };
    this.#ports.keep(this.#has);
    this.#ports.joined(frame);
    return true;
  }

  /** @param {Frame} frame */
  #lost({ call, peer, why }) {
    const { place } = this.#has ?? {};
    if (!place || place.call !== call || place.peer !== peer) return false;
    this.#drop();
    this.#ports.left(why);
    return true;
  }

  /** @param {Frame} frame */
  #refused(frame) {
    const asking = this.#asking;
    if (!asking || frame.nonce !== asking.nonce) return false;
    if (frame.retry) {
      asking.sent = false;
      this.#wait(frame.retry_after_ms ?? AGAIN_MS, () => this.#send());
      return true;
    }
    const { room, place } = asking;
    this.#drop();
    this.#ports.refused({ code: frame.code, message: frame.message ?? "", room, again: place !== null });
    return true;
  }

  /** @param {string} room @param {Place | null} place */
  #ask(room, place) {
    this.#asking = { room, place, nonce: this.#ports.nonce(), sent: false };
    this.#send();
  }

  #send() {
    const asking = this.#asking;
    if (!asking || asking.sent) return;
    const { room, nonce, place } = asking;
    const frame = { type: "call-join", room, nonce, page: this.#ports.page, media: this.#ports.media(), ...(place && { place }) };
    asking.sent = this.#ports.send(frame);
    if (asking.sent) this.#wait(ANSWER_MS, () => this.#refused({ type: "error", nonce, code: "no_answer" }));
  }

  #drop() {
    this.#rest();
    this.#asking = null;
    this.#has = null;
    this.#ports.keep(null);
  }

  /** @param {number} ms @param {() => void} then */
  #wait(ms, then) {
    this.#rest();
    this.#timer = this.#ports.later(ms, then);
  }

  #rest() {
    if (this.#timer !== null) this.#ports.stop(this.#timer);
    this.#timer = null;
  }
}
