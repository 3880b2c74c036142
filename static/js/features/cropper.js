// Cutting a square out of a picture: by pointer, wheel, fingers or keys.
import { el } from "../core/dom.js";
import { CLOSEST, Crop } from "../core/cropping.js";
import { sheet } from "../core/sheet.js";
import { t } from "../core/text.js";
import { dialog } from "./dialogs.js";

/** Pixels of a side of what comes out: the largest that is shown anywhere. */
const SIDE = 512;
/** What an arrow key moves by, as a part of the square; what + and - zoom by. */
const STEP = 0.04;
const ZOOM = 1.15;
const QUALITY = 0.9;

/**
 * @param {Blob} file
 * @returns {Promise<Blob | null>} the square; null when one thought better of it. Throws when it isn't a picture.
 */
export async function crop(file) {
  const bitmap = await createImageBitmap(file);
  await sheet("lightbox");
  const cut = new Crop(bitmap.width, bitmap.height);
  const canvas = /** @type {HTMLCanvasElement} */ (el("canvas", { class: "cropper", width: String(SIDE), height: String(SIDE), tabindex: "0", role: "img", "aria-label": t("crop_area"), "aria-describedby": "crop-hint" }));
  const zoom = /** @type {HTMLInputElement} */ (el("input", { type: "range", id: "crop-zoom", min: "0", max: "100", step: "1", value: "0" }));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  const draw = () => {
    const { x, y, side } = cut.square;
    context.clearRect(0, 0, SIDE, SIDE);
    context.drawImage(bitmap, x, y, side, side, 0, 0, SIDE, SIDE);
    zoom.value = String(Math.round((Math.log(cut.zoom) / Math.log(CLOSEST)) * 100));
  };
  const to = (/** @type {number} */ level, /** @type {{ x: number, y: number }} */ around = { x: 0.5, y: 0.5 }) => {
    cut.to(level, around);
    draw();
  };
  const move = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    cut.move(dx, dy);
    draw();
  };

  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    if (by) move(by[0], by[1]);
    else if (event.key === "+" || event.key === "=") to(cut.zoom * ZOOM);
    else if (event.key === "-") to(cut.zoom / ZOOM);
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top, width } = canvas.getBoundingClientRect();
    to(cut.zoom * Math.exp(-event.deltaY / 400), { x: (event.clientX - left) / width, y: (event.clientY - top) / width });
  }, { passive: false });
  zoom.addEventListener("input", () => to(CLOSEST ** (Number(zoom.value) / 100)));
  hands(canvas, move, (by) => to(cut.zoom * by));

  return new Promise((done) => {
    const use = el("button", { class: "button primary", type: "button" }, t("use_picture"));
    const leave = el("button", { class: "button quiet", type: "button" }, t("cancel"));
    const box = dialog(t("crop_title"), el("p", { id: "crop-hint" }, t("crop_hint")), canvas,
      el("label", { class: "zoom", for: "crop-zoom" }, el("span", {}, t("zoom")), zoom), el("div", { class: "ends" }, leave, use));
    /** @type {Blob | null} */
    let made = null;
    leave.addEventListener("click", () => box.close());
    use.addEventListener("click", () => {
      canvas.toBlob((blob) => {
        made = blob;
        box.close();
      }, "image/webp", QUALITY);
    });
    box.addEventListener("close", () => {
      bitmap.close();
      done(made);
    });
    draw();
    canvas.focus();
  });
}

/** One pointer moves, two zoom. @param {HTMLElement} stage @param {(dx: number, dy: number) => void} move @param {(by: number) => void} zoom */
function hands(stage, move, zoom) {
  /** @type {Map<number, { x: number, y: number }>} */
  const down = new Map();
  const apart = () => {
    const [a, b] = [...down.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  stage.addEventListener("pointermove", (event) => {
    const was = down.get(event.pointerId);
    if (!was) return;
    const before = down.size === 2 ? apart() : 0;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const width = stage.getBoundingClientRect().width;
    if (before) zoom(apart() / before);
    else move((event.clientX - was.x) / width, (event.clientY - was.y) / width);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) stage.addEventListener(name, (event) => down.delete(event.pointerId));
}
