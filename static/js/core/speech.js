// Who speaks: a level that comes some times a second becomes yes or no, without a flicker. Pure, with the clock passed in.

/** Levels are amplitudes from 0 to 1. Louder than this is speech; the end of it is noticed lower, and only after a while. */
const STARTS = 0.02;
const ENDS = 0.012;
const HOLDS_MS = 600;

export class Speech {
  #starts;
  #ends;
  #holds;
  #speaking = false;
  #heard = -Infinity;

  /** @param {{ starts?: number, ends?: number, holdsMs?: number }} [bounds] */
  constructor({ starts = STARTS, ends = Math.min(ENDS, starts * 0.6), holdsMs = HOLDS_MS } = {}) {
    this.#starts = starts;
    this.#ends = ends;
    this.#holds = holdsMs;
  }

  get speaking() {
    return this.#speaking;
  }

  /** @param {number} level @param {number} now in milliseconds @returns {boolean} whether it changed */
  take(level, now) {
    if (level >= (this.#speaking ? this.#ends : this.#starts)) this.#heard = now;
    const speaking = now - this.#heard < this.#holds;
    const changed = speaking !== this.#speaking;
    this.#speaking = speaking;
    return changed;
  }

  /** Muted: at once. @returns {boolean} whether it changed */
  hush() {
    const changed = this.#speaking;
    this.#speaking = false;
    this.#heard = -Infinity;
    return changed;
  }
}

/** A level as the eye expects it, from 0 to 1: 60 dB wide. @param {number} level */
export function meter(level) {
  return level <= 0 ? 0 : Math.min(1, Math.max(0, 1 + Math.log10(level) / 3));
}
