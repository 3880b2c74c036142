// Which pictures are made smaller before they go up, and how small. Pure.

/** The longer side that is enough for any screen here, in pixels. */
export const LONGEST = 2560;
/** Smaller files are sent as they are, in bytes. */
const SMALL = 400 * 1024;
/** Photos; drawings and animations lose by it. */
const PHOTOS = new Set(["image/jpeg", "image/jpg", "image/png"]);
/** A smaller one has to save at least this part to be worth it. */
const SAVES = 0.2;

/** @param {{ type: string, size: number }} file */
export const mayShrink = ({ type, size }) => PHOTOS.has(type) && size > SMALL;

/**
 * @param {number} width @param {number} height
 * @returns {{ width: number, height: number } | null} null when it is small enough
 */
export function smaller(width, height) {
  const longer = Math.max(width, height);
  if (longer <= LONGEST) return null;
  const by = LONGEST / longer;
  return { width: Math.max(1, Math.round(width * by)), height: Math.max(1, Math.round(height * by)) };
}

/** @param {number} before @param {number} after  bytes */
export const worthwhile = (before, after) => after < before * (1 - SAVES);
