// How long to wait before the next attempt: twice as long each time, never the same for two clients.

/** The first wait, and the longest, in milliseconds. */
const FIRST = 500;
const LONGEST = 30_000;

/**
 * @param {number} tries  attempts that failed so far, from 1
 * @param {() => number} [random]
 * @returns {number} milliseconds: between half of the full wait and all of it
 */
export function backoff(tries, random = Math.random) {
  const full = Math.min(LONGEST, FIRST * 2 ** Math.min(tries - 1, 10));
  return Math.round(full * (0.5 + random() / 2));
}
