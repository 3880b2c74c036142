// The style sheets of calls, fetched with the first call: a room's page is lighter without them.
import { el, find } from "../../core/dom.js";

const SHEETS = ["call", "forms"];

/** @returns {Promise<void>} when they are there, or can't be had */
export async function dressed() {
  await Promise.all(SHEETS.map(sheet));
}

/** @param {string} name */
function sheet(name) {
  const there = find(`link[href$="/css/${name}.css"]`);
  if (there?.sheet) return Promise.resolve();
  const link = there ?? el("link", { rel: "stylesheet", href: find('link[href$="/css/tokens.css"]').href.replace("tokens.css", `${name}.css`) });
  return new Promise((done) => {
    link.addEventListener("load", done, { once: true });
    link.addEventListener("error", done, { once: true });
    if (!there) document.head.append(link);
  });
}
