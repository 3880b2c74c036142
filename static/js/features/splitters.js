// The widths of the room list and of the people beside it: dragged, or moved by keys; a double click resets them. They are
// kept in this browser; `early.js` sets them before anything is painted.
import { el, find } from "../core/dom.js";
import { appearance, setAppearance } from "../core/appearance.js";
import { t } from "../core/text.js";

/** In pixels: the bounds of a width, and a step of the arrow keys. */
const MIN = 200;
const MAX = 440;
const STEP = 16;

/** @param {import("./app.js").App} app */
export function startSplitters(app) {
  splitter(find("#rooms"), "rail", 1, t("rooms_width"));
  // The people come anew with each room.
  const people = () => {
    const aside = find("#people");
    if (aside && !find(".splitter", aside)) splitter(aside, "side", -1, t("people_width"));
  };
  app.bus.on("shown", people);
}

/**
 * @param {HTMLElement} pane @param {"rail" | "side"} name  of the width's custom property and of what is kept
 * @param {1 | -1} way  whether the pane grows to the right or to the left
 * @param {string} label
 */
function splitter(pane, name, way, label) {
  const root = document.documentElement;
  const handle = el("div", { class: `splitter ${name}`, role: "separator", tabindex: "0", "aria-orientation": "vertical", "aria-label": label, "aria-controls": pane.id, "aria-valuemin": String(MIN), "aria-valuemax": String(MAX) });
  const width = () => Math.round(pane.getBoundingClientRect().width);
  const tell = () => handle.setAttribute("aria-valuenow", String(Math.min(MAX, Math.max(MIN, appearance()[name] ?? width()))));
  const set = (/** @type {number | null} */ px, keep = true) => {
    const bounded = px === null ? null : Math.round(Math.min(MAX, Math.max(MIN, px)));
    if (bounded === null) root.style.removeProperty(`--${name}`);
    else root.style.setProperty(`--${name}`, `${bounded}px`);
    if (keep) setAppearance({ [name]: bounded });
    handle.setAttribute("aria-valuenow", String(bounded ?? width()));
  };
  const flip = getComputedStyle(root).direction === "rtl" ? -1 : 1;

  handle.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button) return;
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    const [from, before] = [event.clientX, width()];
    const move = (/** @type {PointerEvent} */ { clientX }) => set(before + (clientX - from) * way * flip, false);
    const end = new AbortController();
    handle.addEventListener("pointermove", move, { signal: end.signal });
    for (const over of ["pointerup", "pointercancel"]) {
      handle.addEventListener(over, () => {
        end.abort();
        if (width() !== before) set(width());
      }, { signal: end.signal });
    }
  });
  handle.addEventListener("dblclick", () => set(null));
  handle.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = STEP * way * flip;
    const to = { ArrowRight: width() + step, ArrowLeft: width() - step, Home: MIN, End: MAX }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    set(to);
  });
  handle.addEventListener("focus", tell);
  pane.append(handle);
  tell();
}
