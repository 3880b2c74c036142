// The words of the page, in the reader's language. All that script says comes from strings/<language>.js.

/** Languages there are. The first is the one that templates are written in. */
const LANGUAGES = ["en", "de"];

/** @returns {string} */
function chosen() {
  let kept = "";
  try {
    kept = JSON.parse(localStorage.getItem("parlor.appearance") ?? "{}").lang ?? "";
  } catch {
    // As the system has it.
  }
  const wanted = [kept, ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? LANGUAGES[0];
}

export const language = chosen();
const { strings, page } = await import(`../strings/${language}.js`);
const plural = new Intl.PluralRules(language);

/** The reader's locale where it is of the chosen language (for their way to write times), else the language. */
export const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]  for `{name}` in the string; `n` chooses the plural
 * @returns {string}
 */
export function t(key, values = {}) {
  const found = strings[key];
  const text = typeof found === "object" ? (found[plural.select(Number(values.n))] ?? found.other) : (found ?? key);
  return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => String(values[name] ?? ""));
}

/**
 * What the server refused, in the reader's language: of the field at fault, in the server's own words where it speaks that
 * language (they name the very limit), or of the code.
 * @param {any} error  with `code`, and `field` where one is at fault; anything else is a lost answer
 * @returns {string}
 */
export function say(error) {
  const { code = "", field = "", message = "" } = error ?? {};
  if (!code) return t("no_answer");
  const [exact, general] = [strings[`error_${code}_${field}`], strings[`error_${code}`]];
  return (typeof exact === "string" && exact) || (language === LANGUAGES[0] && message) || general || message || t("refused");
}

/**
 * The same, with elements in the places: returns what to `append`.
 * @param {string} key @param {Record<string, Node | string>} places
 * @returns {(Node | string)[]}
 */
export function parts(key, places) {
  return t(key, Object.fromEntries(Object.keys(places).map((name) => [name, `\u0000${name}\u0000`])))
    .split("\u0000")
    .map((piece, i) => (i % 2 ? places[piece] : piece))
    .filter((piece) => piece !== "");
}

/** Attributes that templates write in their language. */
const SPOKEN = ["aria-label", "title", "placeholder"];

/**
 * Puts what templates say into the reader's language: elements with `data-t`, errors by their codes, spoken attributes.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-error]"))) {
    element.textContent = say({ code: element.dataset.error, field: element.dataset.field, message: element.textContent });
  }
  if (!page) return;
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-t]")) {
    const own = (element.textContent ?? "").trim();
    if (page[own]) element.textContent = page[own];
  }
  for (const name of SPOKEN) {
    for (const element of root.querySelectorAll(`[${name}]`)) {
      const own = element.getAttribute(name) ?? "";
      if (page[own]) element.setAttribute(name, page[own]);
      else {
        for (const [start, end] of page.$starts) if (own.startsWith(start)) element.setAttribute(name, end + own.slice(start.length));
      }
    }
  }
}
