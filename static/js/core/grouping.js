// How messages stand together: which open a day, which follow one by the same person. Pure.

/** Messages by one author within this time stand together. `src/web/views.rs` has the same. */
const TOGETHER_MS = 5 * 60 * 1000;

/**
 * @typedef {{ author: string, at: number, system: boolean, reply: boolean }} Line
 * @typedef {{ day: boolean, follows: boolean }} Place
 */

/** @param {number} at @returns {string} the reader's day */
export function dayOf(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/**
 * @param {Line} line @param {Line | null} before  the line above it, if any
 * @returns {Place}
 */
export function placeOf(line, before) {
  const day = !before || dayOf(before.at) !== dayOf(line.at);
  const follows =
    !day &&
    !!before &&
    !line.system &&
    !before.system &&
    !line.reply &&
    before.author === line.author &&
    line.at - before.at < TOGETHER_MS;
  return { day, follows };
}
