// Dialogs: a question with two answers, and the frame that others use.
import { el, tool } from "../core/dom.js";
import { t } from "../core/text.js";

/**
 * @param {string} title @param {...(Node | string)} content
 * @returns {HTMLDialogElement} open, and gone when closed
 */
export function dialog(title, ...content) {
  const box = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, el("h2", { id: "dialog-title" }, title), ...content);
  document.body.append(box);
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (/** @type {Event} */ event) => event.target === box && outside(box, /** @type {MouseEvent} */ (event)) && box.close());
  box.showModal();
  return box;
}

/** @param {HTMLElement} box @param {MouseEvent} event */
function outside(box, { clientX: x, clientY: y }) {
  const { left, right, top, bottom } = box.getBoundingClientRect();
  return x < left || x > right || y < top || y > bottom;
}

/**
 * @param {{ title: string, text: string, quote?: string, action: string, danger?: boolean }} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, quote, action, danger }) {
  return new Promise((answer) => {
    const yes = el("button", { class: `button ${danger ? "danger" : "primary"}`, type: "button" }, action);
    const no = el("button", { class: "button quiet", type: "button", autofocus: true }, t("cancel"));
    const box = dialog(title, el("p", {}, text), ...(quote ? [el("div", { class: "quote", dir: "auto" }, quote)] : []), el("div", { class: "ends" }, no, yes));
    let result = false;
    yes.addEventListener("click", () => {
      result = true;
      box.close();
    });
    no.addEventListener("click", () => box.close());
    box.addEventListener("close", () => answer(result));
  });
}

/** The keyboard's sheet. */
export function shortcuts() {
  const mac = navigator.platform.startsWith("Mac");
  const rows = [
    ["key_switcher", mac ? "⌘" : "Ctrl", "K"], ["key_rooms", "Alt", "↑ ↓"], ["key_unread", "Alt", "⇧", "↑ ↓"], ["key_send", "Enter"],
    ["key_line", "⇧", "Enter"], ["key_edit_last", "↑"], ["key_newest", "Esc"], ["key_walk", "↑ ↓"], ["key_menu", "Enter"], ["key_reply", "R"], ["key_edit", "E"], ["key_react", "+"], ["key_bold", mac ? "⌘" : "Ctrl", "B"],
    ["key_italic", mac ? "⌘" : "Ctrl", "I"], ["key_code", mac ? "⌘" : "Ctrl", "E"], ["key_call_mute", mac ? "⌘" : "Ctrl", "⇧", "M"],
    ["key_call_camera", mac ? "⌘" : "Ctrl", "⇧", "O"], ["key_call_share", mac ? "⌘" : "Ctrl", "⇧", "E"], ["key_call_deafen", mac ? "⌘" : "Ctrl", "⇧", "D"],
    ["key_call_hand", mac ? "⌘" : "Ctrl", "⇧", "K"], ["key_call_stage", mac ? "⌘" : "Ctrl", "⇧", "L"], ["key_call_leave", mac ? "⌘" : "Ctrl", "⇧", "H"], ["key_call_talk", t("key_space")], ["key_sheet", "?"],
  ];
  const list = el("dl", { class: "shortcut-list" }, ...rows.map(([key, ...keys]) => el("div", {}, el("dt", {}, t(key)), el("dd", {}, ...keys.map((one) => el("kbd", {}, one))))));
  const shut = tool("close", t("close"));
  shut.classList.add("shut");
  const box = dialog(t("shortcuts"), shut, list);
  shut.addEventListener("click", () => box.close());
}
