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

const SHOW = /** @type {Record<string, (at: number) => string>} */ ({ ago, moment, date });

/** Fills `<time data-show>` of pages. @param {ParentNode} root */
export function fillTimes(root) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-show]"))) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.textContent = SHOW[time.dataset.show ?? ""]?.(at) ?? date(at);
    time.title = full(at);
  }
}

const UNITS = /** @type {const} */ (["hour", "minute", "second"]);
const LASTED = Object.fromEntries(UNITS.map((unit) => [unit, new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" })]));

/** @param {number} ms @returns {string} how long something lasted, in the one or two units that matter */
export function lasted(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return LASTED.second.format(seconds);
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return LASTED.minute.format(minutes);
  const rest = minutes % 60;
  return LASTED.hour.format((minutes - rest) / 60) + (rest ? ` ${LASTED.minute.format(rest)}` : "");
}

/** @param {number} ms @returns {string} as a clock that runs: `4:05`, `1:04:05` */
export function ticking(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
