// How this browser shows the page: light, contrast, density, language, widths, and whether Enter sends.
const KEY = "parlor.appearance";

/** @returns {{ scheme?: string, contrast?: string, density?: string, lang?: string, enter?: boolean, people?: boolean, rail?: number | null, side?: number | null }} */
export function appearance() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Record<string, string | boolean | number | null>} change */
export function setAppearance(change) {
  const kept = { ...appearance(), ...change };
  localStorage.setItem(KEY, JSON.stringify(kept));
  for (const name of /** @type {const} */ (["scheme", "contrast", "density"])) {
    if (kept[name]) document.documentElement.dataset[name] = kept[name];
    else delete document.documentElement.dataset[name];
  }
}
