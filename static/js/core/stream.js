// One stream as a reader keeps it: how far it is applied without a gap, and what waits beyond a gap.
// Pure: frames in, decisions out. See docs/protocol.md, "Streams".

/** Entries kept beyond a gap; beyond that a resume brings them anyway. */
const ASIDE_AT_MOST = 1000;

/**
 * @typedef {{ rev: number, tag: string, [field: string]: any }} Entry
 * @typedef {{ apply: Entry[], ask: boolean }} Step  what to apply, in order, and whether to ask for `resume`
 */

export class Cursor {
  /** @type {number} */ #rev;
  /** @type {string} */ #tag;
  /** @type {Map<number, Entry>} */ #aside = new Map();
  #asking = false;
  /** The furthest head that was named; an answer on its way may be older. */
  #want = 0;

  /** @param {number} rev @param {string} tag */
  constructor(rev, tag) {
    this.#rev = rev;
    this.#tag = tag;
  }

  get rev() {
    return this.#rev;
  }

  get tag() {
    return this.#tag;
  }

  /** Whether a resume was asked for and isn't answered. */
  get asking() {
    return this.#asking;
  }

  /**
   * An entry came.
   * @param {Entry} entry
   * @returns {Step}
   */
  take(entry) {
    if (entry.rev < this.#rev) return { apply: [], ask: false };
    if (entry.rev === this.#rev) {
      // The same place with another tag: the store was restored. The answer to a resume will be `reload`.
      return { apply: [], ask: entry.tag !== this.#tag && this.#ask() };
    }
    if (this.#aside.size < ASIDE_AT_MOST || entry.rev === this.#rev + 1) this.#aside.set(entry.rev, entry);
    const apply = this.#drain();
    return { apply, ask: this.#aside.size > 0 && this.#ask() };
  }

  /**
   * The server named the stream's head.
   * @param {number} rev @param {string} tag
   * @returns {boolean} whether to ask for `resume`
   */
  head(rev, tag) {
    this.#want = Math.max(this.#want, rev);
    return (rev !== this.#rev || tag !== this.#tag) && this.#ask();
  }

  /**
   * A resume was answered with all that happened up to `rev`.
   * @param {number} rev @param {string} tag
   * @returns {Step}
   */
  resumed(rev, tag) {
    this.#asking = false;
    if (rev > this.#rev) {
      this.#rev = rev;
      this.#tag = tag;
      for (const at of this.#aside.keys()) if (at <= rev) this.#aside.delete(at);
    }
    const apply = this.#drain();
    return { apply, ask: (this.#aside.size > 0 || this.#rev < this.#want) && this.#ask() };
  }

  /** A resume could not be answered; the gap stays. @returns {boolean} whether there still is something to ask for */
  refused() {
    this.#asking = false;
    return this.#ask();
  }

  /** The connection went: an answer won't come, and what was beyond a gap comes again. */
  cut() {
    this.#asking = false;
    this.#want = 0;
    this.#aside.clear();
  }

  #ask() {
    if (this.#asking) return false;
    this.#asking = true;
    return true;
  }

  #drain() {
    const apply = [];
    for (;;) {
      const next = this.#aside.get(this.#rev + 1);
      if (!next) return apply;
      this.#aside.delete(next.rev);
      this.#rev = next.rev;
      this.#tag = next.tag;
      apply.push(next);
    }
  }
}
