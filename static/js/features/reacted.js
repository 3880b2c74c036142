// Who reacted with what: also for those who can't point.
import { el, tool } from "../core/dom.js";
import { t } from "../core/text.js";
import { dialog } from "./dialogs.js";

/** So many are named for each emoji. */
const NAMED = 100;

/** @param {HTMLElement} li @param {import("./app.js").App} app */
export function showReacted(li, app) {
  const list = el("dl", { class: "who" });
  for (const { dataset } of /** @type {NodeListOf<HTMLElement>} */ (li.querySelectorAll(".reactions button[data-emoji]"))) {
    const users = (dataset.users ?? "").split(" ").filter(Boolean);
    const names = el("dd", {});
    list.append(el("div", {}, el("dt", {}, dataset.emoji ?? ""), names));
    const known = users.slice(0, NAMED).map((user) => (user === app.me.id ? t("you") : app.names.of(user)));
    Promise.all(known).then((who) => {
      names.textContent = who.map((name) => name || t("somebody")).join(", ") + (users.length > NAMED ? " …" : "");
    });
  }
  const shut = tool("close", t("close"));
  shut.classList.add("shut");
  const box = dialog(t("who_reacted"), shut, list);
  shut.addEventListener("click", () => box.close());
}
