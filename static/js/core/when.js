// Times in the reader's language and zone.
import { locale, t } from "./text.js";

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat(locale, options);
const CLOCK = format({ hour: "2-digit", minute: "2-digit" });
const DAY = format({ weekday: "long", day: "numeric", month: "long" });
const DAY_OF_YEAR = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const DATE = format({ day: "numeric", month: "long", year: "numeric" });
const MOMENT = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const FULL = format({ dateStyle: "full", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const DAY_MS = 24 * 60 * 60 * 1000;

/** @param {number} at */
export const clock = (at) => CLOCK.format(at);
/** @param {number} at */
export const full = (at) => FULL.format(at);
/** @param {number} at */
export const date = (at) => DATE.format(at);

/** @param {number} at @returns {string} the day, as a heading */
export function day(at) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (at >= midnight && at < midnight + DAY_MS) return t("today");
  if (at >= midnight - DAY_MS && at < midnight) return t("yesterday");
  return (new Date(at).getFullYear() === new Date().getFullYear() ? DAY : DAY_OF_YEAR).format(at);
}

/** @param {number} at @returns {string} the clock today, else the day and the clock */
export const moment = (at) => (at >= new Date().setHours(0, 0, 0, 0) ? clock(at) : MOMENT.format(at));

/** @param {number} at @returns {string} how long ago */
export function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  if (seconds > -45) return t("now");
  if (seconds > -3600) return AGO.format(Math.round(seconds / 60), "minute");
  if (seconds > -86_400) return AGO.format(Math.round(seconds / 3600), "hour");
  if (seconds > -86_400 * 20) return AGO.format(Math.round(seconds / 86_400), "day");
  return date(at);
}

/** Fills `<time data-show>` of pages. @param {ParentNode} root */
export function fillTimes(root) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-show]"))) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.textContent = time.dataset.show === "ago" ? ago(at) : date(at);
    time.title = full(at);
  }
}
