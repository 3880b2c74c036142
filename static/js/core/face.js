// How a person looks where they are named: their picture, else their initials on a quiet hue.
import { el } from "./dom.js";
import { hue, initials } from "./names.js";

/** @typedef {{ user: string, display: string, picture?: string | null }} Somebody */

/** What an avatar holds. @param {string | null | undefined} picture @param {string} name @param {64 | 128 | 512} [size] */
export const face = (picture, name, size = 64) =>
  picture ? el("img", { src: `/pictures/${picture}-${size}.webp`, alt: "", decoding: "async" }) : initials(name);

/** @param {Somebody} who @param {string} [look]  further classes @param {...Node} more  such as presence */
export const avatar = ({ user, display, picture }, look = "", ...more) =>
  el("span", { class: `avatar ${look}`.trim(), "data-hue": String(hue(user)), "aria-hidden": "true" }, face(picture, display), ...more);

/** Shows another face in an avatar; what else it holds stays. @param {Element} box @param {string | null} picture @param {string} name */
export function reface(box, picture, name) {
  for (const node of [...box.childNodes]) if (node.nodeType === Node.TEXT_NODE || node.nodeName === "IMG") node.remove();
  if (picture) box.setAttribute("data-picture", picture);
  else box.removeAttribute("data-picture");
  box.prepend(face(picture, name, box.matches(".xl, .namecard .avatar, .lg") ? 128 : 64));
}
