// Beside the page, so that it stays lively: a look at a picture before it goes up, and a smaller one to send instead.
// Drawing it anew also leaves behind where and with what it was taken.
import { smaller, worthwhile } from "../core/shrink.js";

/** Pixels of the longer side of a look. */
const LOOK = 160;
/** How faithful a smaller photo is, 0 to 1. */
const QUALITY = 0.86;

/** One after the other: a large photo takes much memory while it is open. */
let turn = Promise.resolve();

onmessage = ({ data }) => {
  turn = turn.then(async () => {
    const made = await make(data.file, data.shrink).catch(() => ({ thumb: null, small: null }));
    postMessage({ id: data.id, ...made });
  });
};

/** @param {File} file @param {boolean} shrink */
async function make(file, shrink) {
  const bitmap = await createImageBitmap(file);
  try {
    const { width, height } = bitmap;
    const by = Math.min(1, LOOK / Math.max(width, height));
    const thumb = await drawn(bitmap, Math.max(1, Math.round(width * by)), Math.max(1, Math.round(height * by)), "image/png");
    const to = shrink ? smaller(width, height) : null;
    const type = file.type === "image/png" ? "image/png" : "image/jpeg";
    const small = to && (await drawn(bitmap, to.width, to.height, type));
    return { thumb, small: small && worthwhile(file.size, small.size) ? small : null };
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap} bitmap @param {number} width @param {number} height @param {string} type */
function drawn(bitmap, width, height, type) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.convertToBlob({ type, quality: QUALITY });
}
