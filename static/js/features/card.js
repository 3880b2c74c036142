// A person's card, wherever their name is.
import { el, place } from "../core/dom.js";
import { fragment } from "../core/api.js";
import { t, translate } from "../core/text.js";
import { fillTimes } from "../core/when.js";
import { toast } from "./toasts.js";
import { is } from "./rail.js";
import { sayAll } from "./statuses.js";

/** @param {import("./app.js").App} app */
export function startCards(app) {
  const holder = el("div", { class: "holder", popover: "auto", role: "dialog", "aria-label": t("profile"), tabindex: "-1" });
  document.body.append(holder);

  app.bus.on("card", async (/** @type {{ user: string, at: DOMRect }} */ { user, at }) => {
    let card;
    try {
      card = await fragment(`/people/${user}/card`);
    } catch {
      toast(t("not_loaded"));
      return;
    }
    const dot = /** @type {HTMLElement | null} */ (card.querySelector(".presence"));
    const state = user === app.me.id ? "online" : app.presence.get(user);
    if (dot && state) dot.dataset.is = is(state);
    translate(card);
    fillTimes(card);
    sayAll(card);
    holder.replaceChildren(card);
    holder.showPopover();
    place(holder, at);
    holder.focus();
  });
}
