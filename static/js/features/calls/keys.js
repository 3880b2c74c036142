// What is at hand by the keyboard while one is in a call; and the key that is held to talk.
import { find } from "../../core/dom.js";
import { choice } from "./choice.js";
import { doIt } from "./controls.js";

/** With Ctrl (or ⌘) and Shift, as in most programs for calls. By where the key is, since Shift and layouts change letters. */
const KEYS = { KeyM: "mute", KeyO: "camera", KeyE: "share", KeyD: "deafen", KeyK: "hand", KeyH: "leave", KeyL: "stage" };

/** @param {import("./phone.js").Phone} phone */
export function startKeys(phone) {
  document.addEventListener("keydown", (event) => {
    const { call } = phone;
    if (!call) return;
    if (talks(event)) {
      event.preventDefault();
      if (!event.repeat) phone.media.push(true);
      return;
    }
    const what = /** @type {Record<string, string>} */ (KEYS)[event.code];
    if (!what || !event.shiftKey || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (event.repeat) return;
    if (what === "stage") phone.app.bus.emit("stage", !find("#app").hasAttribute("data-stage"));
    else doIt(phone, call, what);
  });
  const release = () => phone.media.push(false);
  document.addEventListener("keyup", ({ code }) => code === choice().key && release());
  addEventListener("blur", release);
}

/** The key to talk, where it means nothing else: not while one writes or is at a button. @param {KeyboardEvent} event */
function talks(event) {
  const { talk, key } = choice();
  if (talk !== "push" || event.code !== key || event.ctrlKey || event.metaKey || event.altKey) return false;
  const at = event.target instanceof Element ? event.target : null;
  return !at?.closest("input, textarea, select, button, a, summary, [contenteditable], dialog");
}
