// Choosing people by name: one at a time (to add at once) or several (to keep until the form is sent).
import { debounce, el, find, near, tool } from "../core/dom.js";
import { api } from "../core/api.js";
import { t } from "../core/text.js";
import { avatar } from "../core/face.js";

/** @typedef {{ user: string, name: string, display: string, picture?: { id: string } | null }} Person */

/**
 * @param {HTMLElement} box @param {string} me
 * @param {((person: Person) => void) | null} [at_once]
 * @returns {{ users: () => string[] }}
 */
export function chooser(box, me, at_once = null) {
  const ask = /** @type {HTMLInputElement} */ (find("input", box));
  const list = /** @type {HTMLElement} */ (find(".found", box));
  const chosen = /** @type {HTMLElement | null} */ (find(".chosen", box));
  /** @type {Map<string, Person>} */
  const people = new Map();
  /** @type {Person[]} */
  let found = [];
  let at = 0;

  const close = () => {
    list.hidden = true;
    ask.setAttribute("aria-expanded", "false");
    ask.removeAttribute("aria-activedescendant");
  };
  const draw = () => {
    list.hidden = false;
    ask.setAttribute("aria-expanded", "true");
    list.replaceChildren(
      ...found.map((one, i) => el("li", { role: "option", id: `${list.id}-${i}`, "data-i": String(i), "aria-selected": String(i === at) }, avatar({ ...one, picture: one.picture?.id }, "sm"), el("b", {}, el("bdi", {}, one.display)), el("small", {}, `@${one.name}`))),
      ...(found.length ? [] : [el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("nothing_found"))]),
    );
    if (found.length) ask.setAttribute("aria-activedescendant", `${list.id}-${at}`);
  };
  const look = debounce(120, async () => {
    const q = ask.value.trim();
    if (!q) {
      close();
      return;
    }
    const answer = await api("GET", `/api/people?q=${encodeURIComponent(q)}&limit=8`).catch(() => ({ people: [] }));
    if (q !== ask.value.trim()) return;
    found = answer.people.filter((/** @type {Person} */ one) => one.user !== me && !people.has(one.user));
    at = 0;
    draw();
  });
  const choose = (/** @type {Person | undefined} */ person) => {
    if (!person) return;
    ask.value = "";
    close();
    ask.focus();
    if (at_once) {
      at_once(person);
      return;
    }
    people.set(person.user, person);
    const item = el("li", { "data-user": person.user }, el("bdi", {}, person.display), tool("close", t("take_out", { who: person.display })));
    chosen?.append(item);
  };

  ask.addEventListener("input", look);
  ask.addEventListener("blur", () => setTimeout(close, 150));
  ask.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden) choose(found[at]);
    } else if (event.key === "Escape") close();
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && found.length) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
      draw();
    }
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = near(event, "[data-i]");
    if (option) choose(found[Number(option.dataset.i)]);
  });
  chosen?.addEventListener("click", (event) => {
    const item = near(event, ".tool")?.closest("li");
    if (!item) return;
    people.delete(item.dataset.user);
    item.remove();
    ask.focus();
  });
  return { users: () => [...people.keys()] };
}
