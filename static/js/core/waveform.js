// What a voice message looks like: how loud it was, in a few bars. Pure.

/** Bars that a voice message is kept with, and the highest. */
export const BARS = 64;
const TOP = 100;
/** So quiet counts as silence, of 1. */
const FLOOR = 0.01;

/** How loud a moment of sound is, 0 to 1: its root mean square. @param {Float32Array} samples */
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length ? Math.min(1, Math.sqrt(sum / samples.length)) : 0;
}

/**
 * Moments of loudness as few bars, the loudest being the highest.
 * @param {number[]} levels  each 0 to 1 @param {number} [count]
 * @returns {number[]} at most `count`, each 0 to 100
 */
export function peaks(levels, count = BARS) {
  const bars = Math.min(count, levels.length);
  const loudest = Math.max(FLOOR, ...levels.slice(0, 100_000));
  return Array.from({ length: bars }, (_, i) => {
    const from = Math.floor((i * levels.length) / bars);
    const to = Math.max(from + 1, Math.floor(((i + 1) * levels.length) / bars));
    let highest = 0;
    for (let at = from; at < to; at++) highest = Math.max(highest, levels[at]);
    return Math.round((Math.min(highest, loudest) / loudest) * TOP);
  });
}

/** Seconds as a clock: 0:07, 12:30, 1:02:03. @param {number} seconds */
export function minutes(seconds) {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
