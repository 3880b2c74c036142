// Passing news. They leave by themselves, but not while one points at them.
import { el, find } from "../core/dom.js";

const STAYS_MS = 6000;

/** @param {string} text @param {{ label: string, run: () => void }} [action] */
export function toast(text, action) {
  const box = find("#toasts");
  if (!box) return;
  for (const old of box.children) if (old.dataset.text === text) old.remove();
  const one = el("div", { class: "toast", "data-text": text }, el("span", {}, text));
  if (action) {
    const button = el("button", { type: "button" }, action.label);
    button.addEventListener("click", () => {
      one.remove();
      action.run();
    });
    one.append(button);
  }
  box.append(one);
  const leave = () => (one.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : one.remove());
  setTimeout(leave, STAYS_MS);
}
