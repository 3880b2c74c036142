// What a room has pinned: how many, and the list of it, with the way to each message.
import { debounce, el, find, near, place, tool } from "../core/dom.js";
import { fragment } from "../core/api.js";
import { t, translate } from "../core/text.js";
import { fillTimes } from "../core/when.js";
import { toast } from "./toasts.js";

/** @param {import("./room.js").Room} room */
export function startPins(room) {
  const { app, signal } = room;
  const opener = /** @type {HTMLElement} */ (find("#pins-open", room.main));
  const list = el("div", { class: "list" });
  const panel = el(
    "div", { class: "pins-panel", popover: "auto", role: "dialog", "aria-labelledby": "pins-title", tabindex: "-1" },
    el("header", {}, el("h2", { id: "pins-title" }, t("pins")), tool("close", t("close"), { "data-shut": "" })), list,
  );
  room.main.append(panel);
  signal.addEventListener("abort", () => panel.remove());

  const draw = (/** @type {DocumentFragment} */ page) => {
    const pins = /** @type {HTMLElement | null} */ (page.querySelector(".pins"));
    if (!pins || signal.aborted) return;
    translate(pins);
    fillTimes(pins);
    const { length } = pins.children;
    opener.dataset.count = String(length);
    find(".num", opener).textContent = length ? `${length}${pins.dataset.next ? "+" : ""}` : "";
    list.replaceChildren(...(length ? [pins] : [el("p", { class: "none" }, t("no_pins"))]), ...more(pins));
  };
  const more = (/** @type {HTMLElement} */ pins) => (pins.dataset.next ? [el("button", { class: "button quiet small wide", type: "button", "data-more-pins": "" }, t("show_more"))] : []);
  const path = `/rooms/${room.id}/pins`;
  const load = async () => {
    try {
      draw(await fragment(path));
    } catch {
      if (panel.matches(":popover-open")) toast(t("not_loaded"));
    }
  };
  const further = async (/** @type {HTMLButtonElement} */ button) => {
    const pins = /** @type {HTMLElement} */ (find(".pins", list));
    button.disabled = true;
    try {
      const next = /** @type {HTMLElement} */ ((await fragment(`${path}?after=${pins.dataset.next}`)).querySelector(".pins"));
      translate(next);
      fillTimes(next);
      pins.append(...next.children);
      if (next.dataset.next) pins.dataset.next = next.dataset.next;
      else delete pins.dataset.next;
      button.replaceWith(...more(pins));
    } catch {
      button.disabled = false;
      toast(t("not_loaded"));
    }
  };

  app.bus.on("pins", async () => {
    panel.showPopover();
    place(panel, opener.getBoundingClientRect(), "end");
    panel.focus();
    await load();
    if (panel.matches(":popover-open")) place(panel, opener.getBoundingClientRect(), "end");
  }, signal);
  app.bus.on("pinned", debounce(100, load), signal);
  panel.addEventListener("click", (/** @type {Event} */ event) => {
    const unpin = near(event, "[data-unpin]");
    const next = near(event, "[data-more-pins]");
    if (near(event, "[data-shut]") || near(event, "a[href]")) panel.hidePopover();
    else if (next) further(next);
    else if (unpin) {
      unpin.disabled = true;
      app.outbox.add({ type: "pin", room: room.id, seq: Number(unpin.dataset.unpin), on: false });
    }
  });
  app.bus.on("refused", ({ change }) => change.type === "pin" && change.room === room.id && load(), signal);
}
