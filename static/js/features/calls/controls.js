// The buttons of a call: along the stage's edge, and in the small card and strip. They show what is so, and change it.
import { el, icon, tool } from "../../core/dom.js";
import { t } from "../../core/text.js";
import { choice } from "./choice.js";

/**
 * @typedef {{ name: string, on: boolean, off: boolean, label: string, glyph: string }} Shown `on`: lit; `off`: what one may
 * want to know about, like a shut microphone
 */

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {string} what @returns {Shown} */
function shown({ media }, call, what) {
  const muted = media.muted || !media.sent.microphone;
  switch (what) {
    case "mute":
      return { name: what, on: false, off: muted, label: t(muted ? "unmute" : "mute"), glyph: muted ? "mic-off" : "mic" };
    case "camera":
      return { name: what, on: false, off: !media.sent.camera, label: t(media.sent.camera ? "camera_off" : "camera_on"), glyph: media.sent.camera ? "video" : "video-off" };
    case "share":
      return { name: what, on: Boolean(media.sent.screen), off: false, label: t(media.sent.screen ? "share_stop" : "share"), glyph: "screen" };
    case "deafen":
      return { name: what, on: false, off: call.deafened, label: t(call.deafened ? "undeafen" : "deafen"), glyph: call.deafened ? "headset-off" : "headset" };
    default:
      return { name: what, on: call.hand !== null, off: false, label: t(call.hand !== null ? "hand_down" : "hand_up"), glyph: "hand" };
  }
}

/** What is written below the glyph: a word that doesn't change. */
const words = () => ({ mute: t("microphone"), camera: t("camera"), share: t("share_short"), deafen: t("hearing"), hand: t("hand"), chat: t("chat"), leave: t("leave_call_short") });

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {string} what */
export function doIt(phone, call, what) {
  if (what === "mute") phone.mute();
  else if (what === "camera") phone.camera();
  else if (what === "share") phone.share();
  else if (what === "deafen") call.deafen(!call.deafened);
  else if (what === "hand") call.raise(call.hand === null);
  else if (what === "leave") phone.leave();
}

/** Sharing needs the browser's help; phones have none. */
const canShare = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {{ chat: () => void }} more */
export function controls(phone, call, { chat }) {
  const bar = el("div", { class: "controls", role: "toolbar", "aria-label": t("call") });
  const text = words();
  for (const what of ["mute", "camera", ...(canShare() ? ["share"] : []), "hand", "deafen"]) {
    bar.append(el("button", { class: `control${what === "share" || what === "deafen" ? " desk-only" : ""}`, type: "button", "data-do": what }, icon("mic", "large"), el("span", {}, text[/** @type {keyof typeof text} */ (what)])));
  }
  const talk = el("button", { class: "control", type: "button", "data-do": "chat", "aria-label": t("chat_long") }, icon("chat", "large"), el("span", {}, text.chat));
  const leave = el("button", { class: "control leave", type: "button", "data-do": "leave", "aria-label": t("leave_call") }, icon("leave", "large"), el("span", {}, text.leave));
  bar.append(talk, leave);
  talk.addEventListener("click", chat);
  live(bar, phone, call, "large");
  return bar;
}

/** The few that are at hand everywhere. @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {string[]} which */
export function fewControls(phone, call, which) {
  const row = el("div", { class: "row" });
  for (const what of which) {
    const button = tool(what === "leave" ? "leave" : "mic", what === "leave" ? t("leave_call") : "", { "data-do": what });
    if (what === "leave") button.classList.add("leave");
    row.append(button);
  }
  live(row, phone, call, "");
  return row;
}

/** @param {HTMLElement} box @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {string} size */
function live(box, phone, call, size) {
  const buttons = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-do]:not([data-do=leave], [data-do=chat])")]);
  const draw = () => {
    for (const button of buttons) {
      const { on, off, label, glyph } = shown(phone, call, button.dataset.do ?? "");
      if (button.dataset.is === label) continue;
      button.dataset.is = label;
      button.classList.toggle("on", on);
      button.classList.toggle("off", off);
      button.setAttribute("aria-label", label);
      button.title = label;
      button.querySelector("svg")?.replaceWith(icon(glyph, size));
    }
  };
  call.bus.on("own", draw, call.signal);
  draw();
  box.addEventListener("click", (event) => {
    const what = /** @type {HTMLElement | null} */ (event.target instanceof Element ? event.target.closest("[data-do]") : null)?.dataset.do;
    if (what && what !== "chat" && !(what === "mute" && choice().talk === "push")) doIt(phone, call, what);
  });
  // Held to talk, where one talks by holding.
  const mute = buttons.find((button) => button.dataset.do === "mute");
  const hold = (/** @type {boolean} */ down) => {
    if (choice().talk !== "push") return;
    if (down && phone.media.muted) phone.mute(false);
    phone.media.push(down);
  };
  mute?.addEventListener("pointerdown", () => hold(true));
  for (const end of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) mute?.addEventListener(end, () => hold(false));
  mute?.addEventListener("keydown", ({ key }) => (key === " " || key === "Enter") && hold(true));
}
