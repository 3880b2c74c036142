// All streams of a person: a cursor each, fed by the socket's frames. What may be applied comes out in order.
import { Cursor } from "./stream.js";

/**
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {{ room: string, rev: number, tag: string, seq: number, read: number, mentions: number }} Head
 */

/** When to ask again after a resume that could not be answered, where the server doesn't say. */
const ASK_AGAIN_MS = 2000;

/** Frames that are entries of a room's stream. */
const OF_ROOM = new Set(["message", "reaction", "room"]);

export class Streams {
  /** @type {Map<string, Cursor>} */ #rooms = new Map();
  /** @type {Cursor | null} */ #person = null;
  /** @type {string | null} */ #shown = null;
  /** @type {(frame: Frame) => void} */ #send;
  /** @type {(frame: Frame) => void} */ #apply;
  /** @type {(then: () => void, ms: number) => void} */ #later;

  /**
   * @param {{ send: (frame: Frame) => void, apply: (frame: Frame) => void, later?: (then: () => void, ms: number) => void }} ports
   * `send` hands a frame to the socket; `apply` gets each frame whose turn has come.
   */
  constructor({ send, apply, later = setTimeout }) {
    this.#send = send;
    this.#apply = apply;
    this.#later = (then, ms) => later(then, ms);
  }

  /**
   * A room is on show, drawn as it was at this place.
   * @param {string} room @param {number} rev @param {string} tag
   */
  show(room, rev, tag) {
    const known = this.#rooms.get(room);
    this.#shown = room;
    const cursor = new Cursor(rev, tag);
    this.#rooms.set(room, cursor);
    // The page may have been drawn before entries that the socket brought already.
    if (known && known.rev > rev) this.#ask(room, cursor, cursor.head(known.rev, known.tag));
  }

  /** No room is on show. */
  hide() {
    this.#shown = null;
  }

  /** @param {string} room */
  place(room) {
    const cursor = this.#rooms.get(room);
    return cursor && { rev: cursor.rev, tag: cursor.tag };
  }

  /** The connection went. */
  cut() {
    for (const cursor of this.#rooms.values()) cursor.cut();
    this.#person?.cut();
  }

  /** @param {Frame} frame */
  take(frame) {
    if (OF_ROOM.has(frame.type)) this.#entry(frame);
    else if (frame.type === "person") this.#own(frame);
    else if (frame.type === "heads") this.#heads(frame);
    else if (frame.type === "resumed") this.#resumed(frame);
    else if (frame.type === "reload") this.#reload(frame);
    else if (frame.type === "error" && frame.answers === "resume") this.#refused(frame);
    else this.#apply(frame);
  }

  /** @param {Frame} frame */
  #entry(frame) {
    const room = frame.room;
    let cursor = this.#rooms.get(room);
    if (!cursor) {
      // A room that became ours, or whose place was lost: from here on.
      cursor = new Cursor(frame.rev - 1, "");
      this.#rooms.set(room, cursor);
    }
    this.#go(room, cursor, cursor.take(/** @type {any} */ (frame)));
  }

  /** @param {Frame} frame */
  #own(frame) {
    this.#person ??= new Cursor(frame.rev - 1, "");
    this.#go(null, this.#person, this.#person.take(/** @type {any} */ (frame)));
  }

  /** @param {Frame} frame */
  #heads(frame) {
    const { rev, tag } = frame.person;
    // What happened to one's own things while the connection was away: drafts, mostly.
    const missed = this.#person?.head(rev, tag) ?? false;
    this.#person ??= new Cursor(rev, tag);
    this.#apply(frame);
    this.#ask(null, this.#person, missed);
    this.#roomHeads(frame.rooms, true);
  }

  /** @param {Head[]} heads @param {boolean} first  whether nothing newer can have come on this connection */
  #roomHeads(heads, first) {
    for (const head of heads) {
      const cursor = this.#rooms.get(head.room);
      if (head.room === this.#shown && cursor) this.#ask(head.room, cursor, cursor.head(head.rev, head.tag));
      else if (!cursor || first || cursor.rev < head.rev) this.#rooms.set(head.room, new Cursor(head.rev, head.tag));
    }
  }

  /** @param {Frame} frame */
  #resumed(frame) {
    const cursor = frame.room ? this.#rooms.get(frame.room) : this.#person;
    if (!cursor) return;
    // What it holds is newer than what is drawn, or the same: it may always be applied.
    this.#apply(frame);
    this.#go(frame.room ?? null, cursor, cursor.resumed(frame.rev, frame.tag));
    if (!frame.room) this.#roomHeads(frame.rooms ?? [], false);
  }

  /** @param {Frame} frame */
  #refused(frame) {
    const room = frame.room ?? null;
    const cursor = room ? this.#rooms.get(room) : this.#person;
    if (!cursor) return;
    if (!frame.retry) {
      cursor.cut();
      return;
    }
    this.#later(() => {
      const now = room ? this.#rooms.get(room) : this.#person;
      if (now === cursor && cursor.asking) this.#ask(room, cursor, cursor.refused());
    }, frame.retry_after_ms ?? ASK_AGAIN_MS);
  }

  /** @param {Frame} frame */
  #reload(frame) {
    if (frame.room) this.#rooms.delete(frame.room);
    else this.#person = null;
    this.#apply(frame);
  }

  /**
   * @param {string | null} room @param {Cursor} cursor
   * @param {import("./stream.js").Step} step
   */
  #go(room, cursor, step) {
    for (const entry of step.apply) this.#apply(/** @type {any} */ (entry));
    this.#ask(room, cursor, step.ask);
  }

  /** @param {string | null} room @param {Cursor} cursor @param {boolean} ask */
  #ask(room, cursor, ask) {
    if (!ask) return;
    const place = { type: "resume", rev: cursor.rev, tag: cursor.tag };
    this.#send(room ? { ...place, room } : place);
  }
}
