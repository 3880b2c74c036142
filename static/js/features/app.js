// What all features share: who we are, the streams, the outbox, the connection, and the room on show.
import { Bus } from "../core/bus.js";
import { Connection } from "../core/connection.js";
import { Names } from "../core/names.js";
import { nonce } from "../core/nonce.js";
import { Outbox } from "../core/outbox.js";
import { Streams } from "../core/streams.js";
import { Unread } from "../core/unread.js";

/**
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {import("./room.js").Room} Room
 */

export class App {
  bus = new Bus();
  names = new Names();
  /** @type {Room | null} the room on show */
  room = null;
  /** Whether anybody of ours is online, idle or offline. @type {Map<string, string>} */
  presence = new Map();

  /** @param {HTMLElement} body */
  constructor(body) {
    const { me = "", meName = "", meDisplay = "", server = "" } = body.dataset;
    this.me = { id: me, name: meName, display: meDisplay };
    this.server = server;
    this.names.learn(me, meDisplay);
    this.unread = new Unread(me, (room, count) => this.bus.emit("unread", { room, count }));
    this.streams = new Streams({
      send: (frame) => this.connection.send(frame),
      apply: (frame) => this.#apply(frame),
    });
    this.outbox = new Outbox({
      storage: localStorage,
      user: me,
      tab: ownTab(),
      send: (change) => this.connection.send(change),
      changed: (entry, what) => this.bus.emit("outbox", { entry, what }),
    });
    this.connection = new Connection({
      open: () => /** @type {any} */ (new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws?format=html`)),
      frame: (frame) => this.streams.take(frame),
      state: (state, retryAt) => this.#connected(state, retryAt),
      online: () => navigator.onLine,
    });
    addEventListener("online", () => this.connection.online());
    addEventListener("offline", () => this.connection.offline());
    document.addEventListener("visibilitychange", () => document.hidden || this.connection.shown());
    addEventListener("pageshow", (event) => event.persisted && this.connection.shown());
    this.#adopt();
  }

  get open() {
    return this.connection.state === "open";
  }

  /** Sends a value whose newest state is all that matters: it isn't kept when the connection is down. @param {Frame} frame */
  tell(frame) {
    return this.connection.send({ nonce: nonce(), ...frame });
  }

  /** @param {import("../core/connection.js").State} state @param {number} retryAt */
  #connected(state, retryAt) {
    if (state !== "open") {
      this.streams.cut();
      this.outbox.closed();
    }
    this.bus.emit("connection", { state, retryAt });
  }

  /** @param {Frame} frame */
  #apply(frame) {
    switch (frame.type) {
      case "heads":
        this.bus.emit("heads", frame);
        this.outbox.opened();
        break;
      case "ack":
        this.outbox.settled(frame.nonce);
        break;
      case "error":
        if (frame.nonce) this.outbox.refused(frame.nonce, /** @type {any} */ (frame));
        this.bus.emit("error", frame);
        break;
      case "message":
        if (frame.change === "posted") this.unread.posted(frame.room, /** @type {any} */ (frame));
        this.bus.emit("message", frame);
        break;
      case "room":
        if (frame.line) this.unread.posted(frame.room, { seq: frame.line.seq, author: frame.by });
        this.bus.emit("room", frame);
        break;
      case "profile":
        this.#named(frame.user, frame.display);
        break;
      case "person":
        if (frame.change === "profile") this.#named(this.me.id, frame.display);
        this.bus.emit("person", frame);
        break;
      default:
        this.bus.emit(frame.type, frame);
    }
  }

  /** @param {string} user @param {string} display */
  #named(user, display) {
    if (this.names.get(user) === display) return;
    this.names.learn(user, display);
    if (user === this.me.id) this.me.display = display;
    this.bus.emit("profile", { user, display });
  }

  /** Changes that closed tabs left behind become ours. */
  #adopt() {
    const own = ownTab();
    if (!navigator.locks) return;
    navigator.locks.request(`parlor.tab.${own}`, { ifAvailable: true }, () => new Promise(() => {}));
    const look = async () => {
      const { held = [] } = await navigator.locks.query();
      const alive = new Set(held.map((lock) => lock.name));
      this.outbox.adopt((tab) => alive.has(`parlor.tab.${tab}`));
    };
    look();
    setInterval(look, 60_000);
  }
}

/** A name for this tab, kept over reloads. */
function ownTab() {
  let tab = sessionStorage.getItem("parlor.tab");
  if (!tab) sessionStorage.setItem("parlor.tab", (tab = nonce()));
  return tab;
}
