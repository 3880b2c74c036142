// How many tiles stand side by side: as large as the stage allows, near to the shape of a face or a screen.

/** Tiles between these shapes look right; beyond them room is wasted on walls. */
const NARROWEST = 0.8;
const WIDEST = 16 / 9;

/**
 * @param {number} count of tiles, at least 1 @param {number} width @param {number} height of the stage, in pixels
 * @returns {{ columns: number, rows: number, last: number }} `last`: tiles in the last row
 */
export function grid(count, width, height) {
  let best = { columns: 1, rows: Math.max(1, count), last: 1, area: -1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const last = count - (rows - 1) * columns;
    if (last < 1) continue;
    const [w, h] = [width / columns, height / rows];
    const shape = w / h;
    const area = shape > WIDEST ? h * h * WIDEST : shape < NARROWEST ? (w * w) / NARROWEST : w * h;
    if (area > best.area * 1.001) best = { columns, rows, last, area };
  }
  return { columns: best.columns, rows: best.rows, last: best.last };
}

/**
 * Which columns of a grid of twice as many a tile takes, so that a shorter last row stands in the middle.
 * @param {number} at which tile @param {{ columns: number, rows: number, last: number }} grid
 * @returns {number | null} the first column, where it isn't simply the next
 */
export function offset(at, { columns, rows, last }) {
  return at === (rows - 1) * columns && last < columns ? columns - last + 1 : null;
}
