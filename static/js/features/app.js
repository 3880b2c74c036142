// What all features share: who we are, the streams, the outbox, the connection, and the room on show.
import { Bus } from "../core/bus.js";
import { Connection } from "../core/connection.js";
import { Names } from "../core/names.js";
import { nonce } from "../core/nonce.js";
import { Outbox } from "../core/outbox.js";
import { Rosters } from "../core/rosters.js";
import { Streams } from "../core/streams.js";
import { Unread } from "../core/unread.js";

/**
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {import("./room.js").Room} Room
 */

export class App {
  bus = new Bus();
  names = new Names();
  /** Calls of one's rooms. */
  calls = new Rosters();
  /** @type {Room | null} the room on show */
  room = null;
  /** Files to go with the next message, by room. @type {Map<string, import("./tray.js").Tray>} */
  trays = new Map();
  /** Whether anybody of ours is online, idle or offline. @type {Map<string, string>} */
  presence = new Map();
  /** Rooms with a name that this person knows, to be linked where a text names them. @type {import("./roomlinks.js").Rooms | null} */
  rooms = null;

  /** @param {HTMLElement} body */
  constructor(body) {
    const { me = "", meName = "", meDisplay = "", mePicture, server = "" } = body.dataset;
    this.me = { id: me, name: meName, display: meDisplay, picture: mePicture ?? null };
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
        this.#named(frame.user, frame);
        this.bus.emit("status", { user: frame.user, status: frame.status ?? null });
        break;
      case "person":
        if (frame.change === "profile" || frame.change === "picture") this.#named(this.me.id, frame);
        if (frame.change === "status") this.bus.emit("status", { user: this.me.id, status: frame.status ?? null });
        this.bus.emit("person", frame);
        break;
      default:
        this.bus.emit(frame.type, frame);
    }
  }

  /** Somebody has another name or picture; what isn't named stays. @param {string} user @param {any} now */
  #named(user, { display, picture }) {
    const known = this.names.get(user);
    const other = picture !== undefined && (this.names.picture(user) ?? null) !== (picture?.id ?? null);
    if ((!display || display === known) && !other) return;
    this.names.learn(user, display);
    if (picture !== undefined) this.names.look(user, picture?.id ?? null);
    if (user === this.me.id) {
      this.me.display = display ?? this.me.display;
      if (picture !== undefined) this.me.picture = picture?.id ?? null;
    }
    this.bus.emit("profile", { user, display: display ?? known ?? "", picture: this.names.picture(user) });
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
