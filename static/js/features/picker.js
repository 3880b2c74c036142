// The emoji picker: often used ones first, then all in groups; found by name; by keyboard as by pointer.
import { debounce, el, near, place } from "../core/dom.js";
import { language, t } from "../core/text.js";

const RECENT = "parlor.emoji.recent";
const RECENT_AT_MOST = 24;
const FOUND_AT_MOST = 80;

/** @typedef {[emoji: string, name: string, tags: string]} Emoji */

/** @returns {Promise<{ groups: [string, Emoji[]][] }>} */
export const emojis = () => import(`../emoji/${language}.js`);

/** @returns {string[]} */
export function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {string} emoji */
export function used(emoji) {
  localStorage.setItem(RECENT, JSON.stringify([emoji, ...recent().filter((one) => one !== emoji)].slice(0, RECENT_AT_MOST)));
}

/**
 * Those whose name or tags hold all words, the closest first.
 * @param {[string, Emoji[]][]} groups @param {string} words
 * @returns {Emoji[]}
 */
export function search(groups, words) {
  const wanted = words.toLowerCase().split(/[\s_]+/).filter(Boolean);
  const found = [];
  for (const [, list] of groups) {
    for (const one of list) {
      const text = `${one[1]} ${one[2]}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      const start = wanted.every((word) => text.startsWith(word) || text.includes(` ${word}`));
      found.push({ one, weight: (one[1].toLowerCase().startsWith(wanted[0] ?? "") ? 0 : start ? 1 : 2) });
    }
  }
  return found.sort((a, b) => a.weight - b.weight).slice(0, FOUND_AT_MOST).map(({ one }) => one);
}

/** @param {import("./app.js").App} app */
export function startPicker(app) {
  /** @type {HTMLElement | null} */
  let box = null;
  /** @type {(emoji: string) => void} */
  let then = () => {};

  const make = async () => {
    const { groups } = await emojis();
    const names = new Map(groups.flatMap(([, list]) => list.map(([emoji, name]) => /** @type {const} */ ([emoji, name]))));
    const ask = el("input", { class: "input", type: "search", "aria-label": t("find_emoji"), placeholder: t("find_emoji"), autocomplete: "off" });
    const name = el("div", { class: "name", "aria-hidden": "true" });
    const body = el("div", { class: "groups" });
    const grid = (/** @type {string} */ title, /** @type {string[]} */ list) =>
      el("section", {}, el("h3", {}, title), el("div", { class: "grid" }, ...list.map((emoji) => el("button", { type: "button", tabindex: "-1", "data-emoji": emoji, "aria-label": names.get(emoji) ?? emoji }, emoji))));
    /** @type {string | null} */
    let shown = null;
    // Nothing is put anew that is there: the focus may be in it.
    const draw = () => {
      const words = ask.value.trim();
      if (words === shown) return;
      shown = words;
      const sections = words
        ? [grid(t("found"), search(groups, words).map(([emoji]) => emoji))]
        : [...(recent().length ? [grid(t("recent"), recent())] : []), ...groups.map(([title, list]) => grid(title, list.map(([emoji]) => emoji)))];
      body.replaceChildren(...sections);
      body.querySelector("button")?.setAttribute("tabindex", "0");
      body.scrollTop = 0;
    };
    const made = el("div", { class: "picker", popover: "auto", role: "dialog", "aria-label": t("emoji") }, el("div", { class: "ask" }, ask), body, name);
    const choose = (/** @type {string} */ emoji) => {
      made.hidePopover();
      used(emoji);
      then(emoji);
    };
    ask.addEventListener("input", debounce(80, draw));
    ask.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") draw();
      const first = body.querySelector("button");
      if (event.key === "Enter" && first) choose(first.dataset.emoji ?? "");
      else if (event.key === "ArrowDown") first?.focus();
      else return;
      event.preventDefault();
    });
    body.addEventListener("click", (/** @type {Event} */ event) => {
      const button = near(event, "button[data-emoji]");
      if (button) choose(button.dataset.emoji);
    });
    const tell = (/** @type {Event} */ event) => {
      const button = near(event, "button[data-emoji]");
      if (button) name.textContent = `${button.dataset.emoji} ${button.getAttribute("aria-label")}`;
    };
    body.addEventListener("pointerover", tell);
    body.addEventListener("focusin", tell);
    body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => walk(event, body, ask));
    made.addEventListener("toggle", (/** @type {any} */ event) => {
      if (event.newState !== "open") return;
      ask.value = "";
      name.textContent = "";
      shown = null;
      draw();
    });
    document.body.append(made);
    return made;
  };

  // A modal dialog lets nothing be used that isn't within it.
  app.bus.on("pick", async ({ beside, then: chosen, within = document.body }) => {
    const at = beside.getBoundingClientRect();
    const open = /** @type {HTMLElement} */ (box ?? (await make()));
    box = open;
    then = chosen;
    if (open.parentElement !== within) within.append(open);
    open.showPopover();
    place(open, at, "end");
    if (matchMedia("(hover: hover)").matches) open.querySelector("input")?.focus();
  });
}

/** Arrows in the grid. @param {KeyboardEvent} event @param {HTMLElement} body @param {HTMLElement} ask */
function walk(event, body, ask) {
  const buttons = [...body.querySelectorAll("button")];
  const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
  if (at < 0) return;
  const row = buttons.filter((one) => one.offsetTop === buttons[at].offsetTop && one.parentElement === buttons[at].parentElement).length;
  const steps = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -at, End: buttons.length - 1 - at });
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const next = buttons[at + step];
  if (next) {
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  } else if (step < 0) ask.focus();
}
