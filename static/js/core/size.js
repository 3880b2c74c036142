// Sizes of files in the reader's language.
import { locale } from "./text.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** @param {number} bytes */
export function size(bytes) {
  let at = 0;
  let value = bytes;
  while (value >= 999.5 && at < UNITS.length - 1) {
    value /= 1000;
    at += 1;
  }
  const maximumFractionDigits = at > 0 && value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "unit", unit: UNITS[at], unitDisplay: at ? "short" : "long", maximumFractionDigits }).format(value);
}
