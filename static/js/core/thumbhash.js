// A picture's first blur, from the 20-odd bytes of a ThumbHash (evanw.github.io/thumbhash): a few cosine waves of
// lightness, of two colour differences, and of opacity. Pure.

/** Pixels of the longer side of what is decoded. */
const SIDE = 32;

/** Waves are numbered from the coarsest; those within this triangle are kept. @param {number} nx @param {number} ny */
function* waves(nx, ny) {
  for (let y = 0; y < ny; y++) for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++) yield [x, y];
}

/**
 * @param {string} base64
 * @returns {{ width: number, height: number, data: Uint8ClampedArray<ArrayBuffer> } | null} RGBA, or null when it isn't one
 */
export function decode(base64) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length < 5) return null;
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const tail = bytes[3] | (bytes[4] << 8);
  const alpha = head >> 23 === 1;
  const wide = tail >> 15 === 1;
  if (alpha && bytes.length < 6) return null;
  const many = alpha ? 5 : 7;
  const few = Math.max(3, tail & 7);
  const [lx, ly] = wide ? [many, few] : [few, many];
  const ratio = wide ? many / (tail & 7 || 1) : (tail & 7 || 1) / many;

  let nibble = alpha ? 12 : 10;
  const next = () => {
    const byte = bytes[nibble >> 1] ?? 0;
    return ((nibble++ & 1 ? byte >> 4 : byte & 15) / 7.5) - 1;
  };
  /** @param {number} nx @param {number} ny @param {number} scale */
  const channel = (nx, ny, scale) => Array.from(waves(nx, ny), ([x, y]) => ({ x, y, by: next() * scale }));
  const l = { mean: (head & 63) / 63, waves: channel(lx, ly, ((head >> 18) & 31) / 31) };
  const p = { mean: ((head >> 6) & 63) / 31.5 - 1, waves: channel(3, 3, (((tail >> 3) & 63) / 63) * 1.25) };
  const q = { mean: ((head >> 12) & 63) / 31.5 - 1, waves: channel(3, 3, (((tail >> 9) & 63) / 63) * 1.25) };
  const a = alpha ? { mean: (bytes[5] & 15) / 15, waves: channel(5, 5, (bytes[5] >> 4) / 15) } : { mean: 1, waves: [] };

  const width = Math.max(1, Math.round(ratio > 1 ? SIDE : SIDE * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? SIDE / ratio : SIDE));
  const data = new Uint8ClampedArray(width * height * 4);
  const cos = (/** @type {number} */ size) => Array.from({ length: size }, (_, at) => Array.from({ length: 8 }, (_, n) => Math.cos((Math.PI / size) * (at + 0.5) * n)));
  const [cx, cy] = [cos(width), cos(height)];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      // Each wave counts twice: the transform keeps half of its height.
      const at = (/** @type {typeof l} */ one) => one.waves.reduce((sum, wave) => sum + wave.by * cx[x][wave.x] * cy[y][wave.y] * 2, one.mean);
      const [light, yellow, red] = [at(l), at(p), at(q)];
      const blue = light - (2 / 3) * yellow;
      const r = (3 * light - blue + red) / 2;
      data[i] = 255 * r;
      data[i + 1] = 255 * (r - red);
      data[i + 2] = 255 * blue;
      data[i + 3] = 255 * at(a);
    }
  }
  return { width, height, data };
}
