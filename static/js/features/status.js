// What one says of the moment: an emoji, a few words, until when, and whether one wants to be left alone.
import { all, el, find, icon, near } from "../core/dom.js";
import { api } from "../core/api.js";
import { t } from "../core/text.js";
import { moment } from "../core/when.js";
import { dialog } from "./dialogs.js";
import { refuse } from "./forms.js";
import { said } from "./statuses.js";

const MINUTE_MS = 60_000;
const LONGEST = 100;

/** What many say: an emoji, the key of its words, and until when. @type {[string, string, string][]} */
const OFTEN = [["🍽️", "status_lunch", "hour"], ["🎧", "status_focus", "hours"], ["🏠", "status_home", "today"], ["🚋", "status_travel", "hour"], ["🤒", "status_sick", "today"], ["🌴", "status_holiday", ""]];

/** Until when one may say it, as milliseconds since 1970. @type {Record<string, () => number | null>} */
const UNTIL = {
  half: () => Date.now() + 30 * MINUTE_MS,
  hour: () => Date.now() + 60 * MINUTE_MS,
  hours: () => Date.now() + 240 * MINUTE_MS,
  today: () => new Date().setHours(23, 59, 59, 0),
  week: () => {
    const day = new Date();
    day.setDate(day.getDate() + ((7 - day.getDay()) % 7));
    return day.setHours(23, 59, 59, 0);
  },
  "": () => null,
};

/** @param {import("./app.js").App} app */
export function askStatus(app) {
  const now = said(/** @type {HTMLElement} */ (find(".me [data-says]")));
  let emoji = now?.emoji ?? null;
  const sign = el("button", { class: "tool sign", type: "button", "aria-haspopup": "dialog" });
  const words = el("input", { class: "input", id: "status-text", name: "text", maxlength: String(LONGEST), autocomplete: "off", dir: "auto", placeholder: t("status_ask"), "aria-label": t("status_ask") });
  words.value = now?.text ?? "";
  const kept = now?.until ?? null;
  const option = (/** @type {string} */ value, /** @type {string} */ label) => el("option", { value }, label);
  const until = el("select", { class: "input", id: "status-until" }, ...(kept ? [option("kept", t("until", { at: moment(kept) }))] : []), option("half", t("for_half")), option("hour", t("for_hour")), option("hours", t("for_hours")), option("today", t("for_today")), option("week", t("for_week")), option("", t("for_ever")));
  until.value = kept ? "kept" : "";
  const busy = el("input", { type: "checkbox", role: "switch", id: "status-busy" });
  busy.checked = now?.busy ?? false;
  const save = el("button", { class: "button primary", type: "submit" }, t("save"));
  const clear = el("button", { class: "button quiet", type: "button", hidden: !now }, t("status_clear"));
  const form = el(
    "form", { class: "status-form fields" },
    el("div", { class: "field" }, el("div", { class: "says-row" }, sign, words)),
    el("div", { class: "often", role: "group", "aria-label": t("status_often") }, ...OFTEN.map(([one, key, how]) => el("button", { class: "button small", type: "button", "data-often": one, "data-until-when": how }, el("span", { "aria-hidden": "true" }, one), t(key)))),
    el("div", { class: "field" }, el("label", { for: "status-until" }, t("status_until")), el("div", { class: "pick" }, until, icon("down"))),
    el("label", { class: "switch" }, el("span", {}, el("b", {}, t("busy")), el("small", {}, t("busy_hint"))), busy),
    el("p", { class: "error", role: "alert", hidden: true }),
    el("div", { class: "ends" }, clear, save),
  );
  const box = dialog(t("status_title"), form);

  const draw = () => {
    sign.replaceChildren(emoji ? el("span", { class: "emoji" }, emoji) : icon("smile"));
    sign.setAttribute("aria-label", emoji ? `${t("emoji")}: ${emoji}` : t("emoji"));
  };
  draw();
  sign.addEventListener("click", () => app.bus.emit("pick", { beside: sign, within: box, then: (/** @type {string} */ one) => {
    emoji = one;
    draw();
    words.focus();
  } }));
  const send = async (/** @type {() => Promise<any>} */ what) => {
    save.disabled = clear.disabled = true;
    try {
      await what();
      box.close();
    } catch (error) {
      refuse(form, /** @type {any} */ (error));
    }
    save.disabled = clear.disabled = false;
  };
  form.addEventListener("click", (/** @type {Event} */ event) => {
    const often = near(event, "[data-often]");
    if (!often) return;
    emoji = often.dataset.often;
    words.value = often.lastChild.textContent;
    until.value = often.dataset.untilWhen;
    draw();
    save.focus();
  });
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = words.value.trim();
    // Words alone have a sign of their own, so that they are seen in the room list too.
    const sense = emoji ?? (text ? "💬" : null);
    send(() => api("PUT", "/api/me/status", { emoji: sense, text, busy: busy.checked, until: until.value === "kept" ? kept : UNTIL[until.value]() }));
  });
  clear.addEventListener("click", () => send(() => api("DELETE", "/api/me/status")));
  if (matchMedia("(hover: hover)").matches) words.focus();
  for (const old of all(".holder:popover-open, #rooms:popover-open")) old.hidePopover();
}
