// Changes that aren't acknowledged yet. They survive a reload, are sent in order a room, one at a time, and are
// sent again after a cut with the same nonce, which makes a repeat harmless. Pure but for the ports given to it.
import { backoff } from "./backoff.js";
import { nonce as fresh } from "./nonce.js";

/** The server remembers nonces for 7 days: what is older may not be sent again unasked. */
const OLDEST_MS = 7 * 24 * 60 * 60 * 1000;
/** An answer that takes longer than this is taken for lost. */
const PATIENCE_MS = 15_000;

/**
 * @typedef {{ type: string, room: string, nonce: string, [field: string]: any }} Change
 * @typedef {{ nonce: string, at: number, n: number, tab: string, tries: number, change: Change, shown?: any,
 *   state: "waiting" | "sent" | "failed", error?: { code: string, field?: string, message: string } }} Pending
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} Kept
 * @typedef {{ storage: Kept, user: string, tab: string, send: (change: Change) => boolean,
 *   changed?: (entry: Pending, what: "added" | "state" | "gone") => void, now?: () => number,
 *   random?: () => number, later?: (ms: number, then: () => void) => any, stop?: (timer: any) => void }} Ports
 */

export class Outbox {
  /** @type {Map<string, Pending>} */ #entries = new Map();
  /** @type {Map<string, any>} */ #timers = new Map();
  /** @type {Map<string, number>} */ #notBefore = new Map();
  /** @type {Required<Ports>} */ #ports;
  #prefix;
  #n = 0;
  #open = false;

  /** @param {Ports} ports */
  constructor(ports) {
    this.#ports = {
      changed: () => {},
      now: Date.now,
      random: Math.random,
      later: (ms, then) => setTimeout(then, ms),
      stop: (timer) => clearTimeout(timer),
      ...ports,
    };
    this.#prefix = `parlor.outbox.${ports.user}.`;
    for (const entry of this.#stored()) if (entry.tab === ports.tab) this.#hold(entry);
  }

  /** All that waits, in order. */
  get entries() {
    return [...this.#entries.values()].sort((a, b) => a.at - b.at || a.n - b.n);
  }

  /** @param {string} nonce */
  get(nonce) {
    return this.#entries.get(nonce);
  }

  /**
   * A new change. It is kept first, then sent.
   * @param {Omit<Change, "nonce">} change
   * @param {any} [shown]  what is shown of it meanwhile besides, kept with it but not sent
   */
  add(change, shown) {
    const nonce = fresh();
    const entry = /** @type {Pending} */ ({
      nonce,
      at: this.#ports.now(),
      n: ++this.#n,
      tab: this.#ports.tab,
      tries: 0,
      state: "waiting",
      change: { ...change, nonce },
      ...(shown && { shown }),
    });
    this.#entries.set(nonce, entry);
    this.#keep(entry);
    this.#ports.changed(entry, "added");
    this.#pump(change.room);
    return entry;
  }

  /** The connection is up: all that waits goes out again, in order. */
  opened() {
    this.#open = true;
    for (const entry of this.#entries.values()) if (entry.state === "sent") this.#set(entry, "waiting");
    this.#notBefore.clear();
    for (const room of this.#rooms()) this.#pump(room);
  }

  /** The connection is gone. What was sent may or may not have arrived. */
  closed() {
    this.#open = false;
    for (const timer of this.#timers.values()) this.#ports.stop(timer);
    this.#timers.clear();
    for (const entry of this.#entries.values()) if (entry.state === "sent") this.#set(entry, "waiting");
  }

  /**
   * It is stored: by an ack, or because the entry itself came.
   * @param {string} nonce
   */
  settled(nonce) {
    const entry = this.#entries.get(nonce);
    if (entry) this.#drop(entry);
    return entry;
  }

  /**
   * An error frame for this change.
   * @param {string} nonce
   * @param {{ code: string, field?: string, message: string, retry?: boolean, retry_after_ms?: number | null }} error
   */
  refused(nonce, error) {
    const entry = this.#entries.get(nonce);
    if (!entry || entry.state === "failed") return;
    const { room } = entry.change;
    if (error.retry) {
      entry.tries += 1;
      const wait = error.retry_after_ms ?? backoff(entry.tries, this.#ports.random);
      this.#set(entry, "waiting");
      this.#notBefore.set(room, this.#ports.now() + wait);
      this.#wake(room, wait);
    } else {
      entry.error = { code: error.code, field: error.field ?? "", message: error.message };
      this.#set(entry, "failed");
      this.#pump(room);
    }
  }

  /**
   * The person wants a failed one sent after all: as a new change, since the old one was refused for good.
   * @param {string} nonce
   */
  retry(nonce) {
    const entry = this.#entries.get(nonce);
    if (entry?.state !== "failed") return undefined;
    this.#drop(entry);
    const { nonce: _, ...change } = entry.change;
    return this.add(change, entry.shown);
  }

  /** @param {string} nonce */
  discard(nonce) {
    const entry = this.#entries.get(nonce);
    if (entry) this.#drop(entry);
  }

  /**
   * Takes over what tabs left that are no more.
   * @param {(tab: string) => boolean} alive
   */
  adopt(alive) {
    for (const entry of this.#stored()) {
      if (entry.tab === this.#ports.tab || this.#entries.has(entry.nonce) || alive(entry.tab)) continue;
      entry.tab = this.#ports.tab;
      if (entry.state === "sent") entry.state = "waiting";
      this.#hold(entry);
      this.#keep(entry);
      this.#ports.changed(entry, "added");
      this.#pump(entry.change.room);
    }
  }

  /** @param {Pending} entry */
  #hold(entry) {
    if (entry.state === "sent") entry.state = "waiting";
    this.#n = Math.max(this.#n, entry.n);
    this.#entries.set(entry.nonce, entry);
    this.#age(entry);
  }

  /** @param {Pending} entry */
  #age(entry) {
    if (entry.state === "failed" || this.#ports.now() - entry.at < OLDEST_MS) return false;
    entry.error = { code: "too_old", message: "" };
    this.#set(entry, "failed");
    return true;
  }

  #rooms() {
    return new Set(this.entries.map((entry) => entry.change.room));
  }

  /** Sends the first that waits in a room, unless one is under way there. @param {string} room */
  #pump(room) {
    if (!this.#open || (this.#notBefore.get(room) ?? 0) > this.#ports.now()) return;
    for (const entry of this.entries) {
      if (entry.change.room !== room || entry.state === "failed" || this.#age(entry)) continue;
      if (entry.state === "sent" || !this.#ports.send(entry.change)) return;
      this.#set(entry, "sent");
      this.#timers.set(
        entry.nonce,
        this.#ports.later(PATIENCE_MS, () => {
          this.#timers.delete(entry.nonce);
          if (entry.state !== "sent" || !this.#entries.has(entry.nonce)) return;
          this.#set(entry, "waiting");
          this.#pump(room);
        }),
      );
      return;
    }
  }

  /** @param {string} room @param {number} ms */
  #wake(room, ms) {
    this.#ports.later(ms, () => {
      this.#notBefore.delete(room);
      this.#pump(room);
    });
  }

  /** @param {Pending} entry @param {Pending["state"]} state */
  #set(entry, state) {
    if (entry.state === state) return;
    entry.state = state;
    if (state !== "sent") this.#stopTimer(entry.nonce);
    if (this.#entries.has(entry.nonce)) this.#keep(entry);
    this.#ports.changed(entry, "state");
  }

  /** @param {Pending} entry */
  #drop(entry) {
    this.#stopTimer(entry.nonce);
    this.#entries.delete(entry.nonce);
    this.#ports.storage.removeItem(this.#prefix + entry.nonce);
    this.#ports.changed(entry, "gone");
    this.#pump(entry.change.room);
  }

  /** @param {string} nonce */
  #stopTimer(nonce) {
    if (!this.#timers.has(nonce)) return;
    this.#ports.stop(this.#timers.get(nonce));
    this.#timers.delete(nonce);
  }

  /** @param {Pending} entry */
  #keep(entry) {
    try {
      this.#ports.storage.setItem(this.#prefix + entry.nonce, JSON.stringify(entry));
    } catch {
      // The storage is full: it still goes out while this page lives.
    }
  }

  /** @returns {Pending[]} */
  #stored() {
    const { storage } = this.#ports;
    const found = [];
    for (let i = 0; i < storage.length; i++) {
      const key = storage.key(i);
      if (!key?.startsWith(this.#prefix)) continue;
      try {
        found.push(JSON.parse(storage.getItem(key) ?? ""));
      } catch {
        // Not ours, or broken: leave it.
      }
    }
    return found.filter((entry) => entry?.change?.room && entry.nonce).sort((a, b) => a.at - b.at || a.n - b.n);
  }
}
