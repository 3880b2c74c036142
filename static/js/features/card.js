// A person's card, wherever their name is; and the way from a name into a talk.
import { el, near, place } from "../core/dom.js";
import { api, fragment } from "../core/api.js";
import { t, translate } from "../core/text.js";
import { fillTimes } from "../core/when.js";
import { toast } from "./toasts.js";
import { is } from "./rail.js";

/** @param {import("./app.js").App} app */
export function startCards(app) {
  const holder = el("div", { class: "holder", popover: "auto", role: "dialog", "aria-label": t("profile"), tabindex: "-1" });
  document.body.append(holder);

  const show = async (/** @type {string} */ user, /** @type {DOMRect} */ at) => {
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
    holder.replaceChildren(card);
    holder.showPopover();
    place(holder, at);
    holder.focus();
  };

  document.addEventListener("click", async (event) => {
    const direct = near(event, "[data-direct]");
    const person = near(event, "button[data-person], .avatar[data-person], .mention[data-person]");
    if (direct) {
      direct.disabled = true;
      try {
        const { room } = await api("POST", "/api/rooms", { kind: "direct", people: [direct.dataset.direct] });
        if (holder.matches(":popover-open")) holder.hidePopover();
        app.bus.emit("open", { room });
      } catch (error) {
        toast(/** @type {Error} */ (error).message || t("refused"));
      }
      direct.disabled = false;
    } else if (person && !near(event, ".namecard")) show(person.dataset.person, person.getBoundingClientRect());
  });
  document.addEventListener("click", async (event) => {
    const join = near(event, "[data-join]");
    if (!join) return;
    join.disabled = true;
    try {
      await api("POST", `/api/rooms/${join.dataset.join}/join`);
      app.bus.emit("open", { room: join.dataset.join, fresh: true });
      app.bus.emit("rail");
    } catch (error) {
      toast(/** @type {Error} */ (error).message || t("refused"));
      join.disabled = false;
    }
  });
}
