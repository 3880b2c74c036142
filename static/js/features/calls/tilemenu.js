// What can be done with one tile: how loud, pinned, as large as the screen, or in a window of its own.
import { el, find, icon, place } from "../../core/dom.js";
import { t } from "../../core/text.js";
import { choice, chooseVolume } from "./choice.js";

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {HTMLElement} opener @param {string | null} pinned */
export function tileMenu(phone, call, opener, pinned) {
  const tile = /** @type {HTMLElement} */ (opener.closest(".tile"));
  const { key = "", peer = "", user = "" } = tile.dataset;
  const video = find("video", tile);
  const menu = el("div", { class: "menu tile-menu", popover: "auto", role: "group", "aria-label": opener.getAttribute("aria-label") ?? "" });
  const act = (/** @type {string} */ glyph, /** @type {string} */ words, /** @type {() => void} */ run) => {
    const button = el("button", { type: "button" }, icon(glyph), words);
    button.addEventListener("click", () => {
      menu.hidePopover();
      run();
    });
    menu.append(button);
  };
  if (!("own" in tile.dataset)) {
    const slider = el("input", { type: "range", min: "0", max: "100", step: "5", id: "tile-volume", value: String(Math.round((choice().volumes[user] ?? 1) * 100)) });
    slider.addEventListener("input", () => {
      chooseVolume(user, slider.valueAsNumber / 100);
      call.volume(peer, slider.valueAsNumber / 100);
    });
    menu.append(el("label", { class: "volume", for: "tile-volume" }, icon("speaker"), el("span", {}, t("volume")), slider));
  }
  act("pin", t(pinned === key ? "unpin_tile" : "pin_tile"), () => phone.app.bus.emit("stage-pin", key));
  if (document.fullscreenEnabled) {
    const full = document.fullscreenElement === tile;
    act("full", t(full ? "full_end" : "full"), () => (full ? document.exitFullscreen() : tile.requestFullscreen()).catch(() => {}));
  }
  if (document.pictureInPictureEnabled && !video.hidden) {
    const floats = document.pictureInPictureElement === video;
    act("float", t(floats ? "float_end" : "float"), () => (floats ? document.exitPictureInPicture() : video.requestPictureInPicture()).catch(() => {}));
  }
  tile.append(menu);
  menu.addEventListener("toggle", (/** @type {any} */ event) => {
    if (event.newState !== "closed") return;
    menu.remove();
    opener.focus({ preventScroll: true });
  });
  menu.showPopover();
  place(menu, opener.getBoundingClientRect(), "end");
  find("input, button", menu)?.focus();
}
