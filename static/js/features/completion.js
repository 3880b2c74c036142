// While one writes `@`, `#` or `:`, what it may become: people, rooms, emoji.
import { all, el } from "../core/dom.js";
import { t } from "../core/text.js";
import { api } from "../core/api.js";
import { avatar } from "../core/face.js";
import { emojis, search, used } from "./picker.js";

const SHOWN_AT_MOST = 8;

/**
 * The word under way before the caret, if it begins with a sign that completes.
 * @param {string} before
 * @returns {{ sign: "@" | "#" | ":", word: string, start: number } | null}
 */
export function wordAt(before) {
  const found = /(?:^|[\s(])([@#:])([\p{L}\p{N}_.-]{0,32})$/u.exec(before);
  if (!found) return null;
  const [, sign, word] = found;
  if (sign === ":" && word.length < 2) return null;
  return { sign: /** @type {any} */ (sign), word, start: before.length - word.length - 1 };
}

/** @typedef {{ text: string, node: Node[], emoji?: string }} Choice */

/** @param {import("./composer.js").Composer} composer */
export function startCompletion(composer) {
  const { app, field, form, room } = composer;
  const { signal } = room;
  const list = el("ul", { class: "completion", id: "completion", role: "listbox", "aria-label": t("completion"), hidden: true });
  form.append(list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "completion");
  /** @type {Choice[]} */
  let choices = [];
  let at = 0;
  let turn = 0;

  const close = () => {
    turn += 1;
    list.hidden = true;
    field.removeAttribute("aria-activedescendant");
  };
  const draw = () => {
    list.hidden = choices.length === 0;
    list.replaceChildren(...choices.map((choice, i) => el("li", { role: "option", id: `completion-${i}`, "aria-selected": String(i === at), "data-i": String(i) }, ...choice.node)));
    if (choices.length) field.setAttribute("aria-activedescendant", `completion-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const look = async () => {
    const word = field.selectionStart === field.selectionEnd ? wordAt(field.value.slice(0, field.selectionStart)) : null;
    const mine = ++turn;
    if (!word) {
      close();
      return;
    }
    const found = word.sign === "@" ? await people(word.word) : word.sign === "#" ? rooms(word.word) : await emoji(word.word);
    if (mine !== turn || signal.aborted) return;
    choices = found.slice(0, SHOWN_AT_MOST);
    at = 0;
    draw();
  };
  const choose = (/** @type {number} */ i) => {
    const word = wordAt(field.value.slice(0, field.selectionStart));
    const choice = choices[i];
    if (!word || !choice) return;
    field.setSelectionRange(word.start, field.selectionStart);
    composer.insert(`${choice.text} `);
    if (choice.emoji) used(choice.emoji);
    close();
  };

  /** @param {string} word @returns {Promise<Choice[]>} */
  const people = async (word) => {
    const answer = await api("GET", `/api/people?q=${encodeURIComponent(word)}&limit=50`).catch(() => ({ people: [] }));
    const here = new Set(all("#members .person-row").map((row) => row.dataset.person));
    const list = answer.people.sort((/** @type {any} */ a, /** @type {any} */ b) => Number(here.has(b.user)) - Number(here.has(a.user)));
    const everyone = "everyone".startsWith(word.toLowerCase()) ? [{ text: "@everyone", node: [el("span", { class: "emoji", "aria-hidden": "true" }, "📣"), el("b", {}, "everyone"), el("small", {}, t("everyone_here"))] }] : [];
    return [
      ...list.slice(0, SHOWN_AT_MOST - everyone.length).map((/** @type {any} */ one) => ({
        text: `@${one.name}`,
        node: [avatar({ ...one, picture: one.picture?.id }, "sm"), el("b", {}, el("bdi", {}, one.display)), el("small", {}, `@${one.name}`)],
      })),
      ...everyone,
    ];
  };
  /** @param {string} word @returns {Choice[]} */
  const rooms = (word) =>
    all('#rail .room[data-kind="public"], #rail .room[data-kind="private"]')
      .map((row) => ({ name: row.querySelector(".label").textContent, door: row.querySelector(".door") }))
      .filter(({ name }) => name.toLowerCase().includes(word.toLowerCase()))
      .map(({ name, door }) => ({ text: `#${name}`, node: [door.cloneNode(true), el("b", {}, el("bdi", {}, name))] }));
  /** @param {string} word @returns {Promise<Choice[]>} */
  const emoji = async (word) =>
    search((await emojis()).groups, word).map(([one, name]) => ({ text: one, emoji: one, node: [el("span", { class: "emoji" }, one), el("span", {}, name)] }));

  field.addEventListener("input", look, { signal });
  field.addEventListener("blur", () => setTimeout(close, 150), { signal });
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") at = (at + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length;
    else if (event.key === "Enter" || event.key === "Tab") choose(at);
    else if (event.key === "Escape") close();
    else return;
    if (!list.hidden) draw();
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { signal, capture: true });
  list.addEventListener("pointerdown", (/** @type {Event} */ event) => {
    event.preventDefault();
    const option = /** @type {HTMLElement} */ (event.target).closest("[data-i]");
    if (option) choose(Number(/** @type {HTMLElement} */ (option).dataset.i));
  });
  look();
}
