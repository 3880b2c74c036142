// What people say of the moment, wherever they stand: `data-says` names whose it is. It leaves when its time is over.
import { all, el, find } from "../core/dom.js";
import { t } from "../core/text.js";
import { full, moment } from "../core/when.js";

/** How often it is looked whose time is over, in milliseconds. */
const LOOK_MS = 10_000;

/** @typedef {{ emoji: string | null, text: string, busy: boolean, until: number | null }} Status */

/** What an element says. @param {HTMLElement} says @returns {Status | null} */
export function said(says) {
  if (says.hidden) return null;
  const { emoji = null, busy, until } = says.dataset;
  return { emoji, text: find("bdi", says)?.textContent ?? "", busy: busy !== undefined, until: until ? Number(until) : null };
}

/** @param {HTMLElement} says @param {Status | null} status */
function say(says, status) {
  const holds = status && !(status.until && status.until <= Date.now());
  says.hidden = !holds;
  for (const name of ["emoji", "busy", "until"]) delete says.dataset[name];
  says.removeAttribute("title");
  if (!holds) {
    says.replaceChildren();
    return;
  }
  const { emoji, text, busy, until } = status;
  if (emoji) says.dataset.emoji = emoji;
  if (busy) says.dataset.busy = "";
  if (until) says.dataset.until = String(until);
  const left_alone = busy ? (until ? t("busy_until", { at: moment(until) }) : t("busy")) : "";
  says.replaceChildren(
    ...(emoji ? [el("span", { class: "emoji" }, emoji), " "] : []),
    el("bdi", {}, text),
    // Said where there is nothing else to say; else for those who don't see the bar.
    ...(busy ? [el("span", { class: text ? "sr" : "busy" }, ` ${left_alone}`)] : []),
  );
  const words = [text, left_alone || (until ? t("until", { at: full(until) }) : "")].filter(Boolean).join(" · ");
  if (words) says.title = words;
}

/** Fills what a part of the page says. @param {ParentNode} root */
export function sayAll(root) {
  for (const says of all("[data-says]:not([hidden])", root)) say(says, said(says));
}

/** @param {import("./app.js").App} app */
export function startStatuses(app) {
  const show = (/** @type {string} */ user, /** @type {Status | null} */ status) => {
    const whose = CSS.escape(user);
    for (const says of all(`[data-says="${whose}"]`)) say(says, status);
    for (const avatar of all(`.avatar[data-avatar="${whose}"]`)) avatar.toggleAttribute("data-busy", !!status?.busy);
  };
  app.bus.on("status", ({ user, status }) => show(user, status));
  app.bus.on("resumed", (frame) => frame.person && show(app.me.id, frame.person.status));
  setInterval(() => {
    for (const says of all("[data-says][data-until]")) if (Number(says.dataset.until) <= Date.now()) show(says.dataset.says, null);
  }, LOOK_MS);
  sayAll(document);
}
