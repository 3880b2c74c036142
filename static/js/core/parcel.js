// What goes with one message: its files, up to the limits, each with its upload. Pure but for the uploads it is given.

/** Uploads under way at a time, in one parcel. */
const AT_A_TIME = 3;

/**
 * @typedef {import("./upload.js").Upload} Upload
 * @typedef {import("./upload.js").Stored} Stored
 * @typedef {{ file: number, message: number, left: number | null }} Limits  bytes a file, files a message, bytes left
 * @typedef {{ name: string, reason: "large" | "many" | "full" | "empty" }} Turned
 */

/** One file in a parcel. */
export class Item {
  /** @type {Upload | null} none while it is being made ready */ upload = null;
  /** A small look at it. @type {Blob | null} */ thumb = null;
  /** Bytes to send. */
  size;

  /** @param {{ name: string, size: number, type: string }} source */
  constructor(source) {
    this.source = source;
    this.name = source.name;
    this.size = source.size;
  }

  get state() {
    return this.upload?.state ?? "preparing";
  }

  /** @returns {Stored | null} */
  get file() {
    return this.upload?.file ?? null;
  }

  /** How much of it is there, 0 to 1. */
  get part() {
    if (this.file) return 1;
    return this.upload && this.size ? this.upload.sent / this.size : 0;
  }
}

export class Parcel {
  /** @type {Item[]} */ items = [];

  get empty() {
    return this.items.length === 0;
  }

  /** Whether all of it may go with a message. */
  get ready() {
    return this.items.every((item) => item.file);
  }

  get failed() {
    return this.items.some((item) => item.state === "failed");
  }

  get busy() {
    return this.items.some((item) => item.state === "preparing" || item.state === "queued" || item.upload?.busy);
  }

  /** @returns {Stored[]} */
  get files() {
    return this.items.flatMap((item) => item.file ?? []);
  }

  get part() {
    const size = this.items.reduce((sum, item) => sum + item.size, 0);
    return size ? this.items.reduce((sum, item) => sum + item.part * item.size, 0) / size : 0;
  }

  /**
   * Takes what the limits let in, and says what they don't.
   * @template {{ name: string, size: number, type: string }} S
   * @param {S[]} sources @param {Limits} limits
   * @returns {{ added: Item[], turned: Turned[] }}
   */
  add(sources, limits) {
    /** @type {Item[]} */
    const added = [];
    /** @type {Turned[]} */
    const turned = [];
    let left = limits.left ?? Infinity;
    for (const item of this.items) if (!item.file) left -= item.size;
    for (const source of sources) {
      const reason = source.size > limits.file ? "large" : source.size === 0 ? "empty" : source.size > left ? "full" : this.items.length >= limits.message ? "many" : null;
      if (reason) {
        turned.push({ name: source.name, reason });
        continue;
      }
      left -= source.size;
      const item = new Item(source);
      this.items.push(item);
      added.push(item);
    }
    return { added, turned };
  }

  /** Takes what is up already. @param {Upload} upload */
  restore(upload) {
    const item = new Item(upload.what);
    item.upload = upload;
    this.items.push(item);
    return item;
  }

  /** @param {Item} item */
  remove(item) {
    const at = this.items.indexOf(item);
    if (at < 0) return;
    this.items.splice(at, 1);
    item.upload?.cancel();
    this.pump();
  }

  /** Starts as many uploads as may run at a time. */
  pump() {
    let running = this.items.filter((item) => item.upload?.busy).length;
    for (const { upload } of this.items) {
      if (running >= AT_A_TIME) return;
      if (upload?.state !== "queued") continue;
      running += 1;
      upload.start();
    }
  }
}
