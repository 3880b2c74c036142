// Names of files as they may be shown: without what turns writing around or hides. Pure.

/** Controls, and signs that steer the direction of what follows. */
const STEERING = /[\p{Cc}\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu;
/** More than this is cut in the middle, in characters. */
const LONG = 120;

/** @param {string} name */
export function shown(name) {
  const clear = [...name.replace(STEERING, "").replace(/^.*[\\/]/, "")];
  if (clear.length === 0) return "_";
  return clear.length > LONG ? [...clear.slice(0, LONG - 20), "…", ...clear.slice(-19)].join("") : clear.join("");
}

/** The ending, lower case, without its dot. @param {string} name */
export const ending = (name) => /\.([A-Za-z0-9]{1,10})$/.exec(name)?.[1].toLowerCase() ?? "";
