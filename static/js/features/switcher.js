// Ctrl or ⌘ and K: to any room or person by a few letters of the name.
import { all, debounce, el, find, icon, tool } from "../core/dom.js";
import { t } from "../core/text.js";
import { api } from "../core/api.js";
import { avatar } from "../core/face.js";
import { is } from "./rail.js";

/** @typedef {{ name: string, note?: string, picture: Node, unread: number, lit: boolean, open: () => void }} Goal */

/**
 * How well a name fits letters: the start of the name, of a word, somewhere, or not at all (-1).
 * @param {string} name @param {string} letters
 */
export function fit(name, letters) {
  const text = name.toLowerCase();
  const at = text.indexOf(letters.toLowerCase());
  if (at < 0) return -1;
  return at === 0 ? 0 : /[\p{L}\p{N}]/u.test(text[at - 1]) ? 2 : 1;
}

/** @param {import("./app.js").App} app */
export function startSwitcher(app) {
  /** @type {HTMLDialogElement | null} */
  let box = null;

  const rooms = () =>
    all("#rail .room[data-room]").map((row) => {
      const { seq, read, mentions } = app.unread.of(row.dataset.room);
      const picture = row.querySelector(".door, .avatar").cloneNode(true);
      if (picture.matches(".door") && seq > read) picture.classList.add("lit");
      return { name: row.querySelector(".label").textContent, picture, unread: Math.max(0, seq - read), lit: mentions > 0, open: () => app.bus.emit("open", { room: row.dataset.room }), user: row.querySelector("[data-partner]")?.dataset.partner };
    });

  const show = () => {
    if (box) {
      box.close();
      return;
    }
    const ask = el("input", { type: "search", role: "combobox", "aria-expanded": "true", "aria-controls": "found", "aria-label": t("switcher"), placeholder: t("switcher"), autocomplete: "off" });
    const shut = tool("close", t("close"));
    const found = el("div", { class: "found", id: "found", role: "listbox", "aria-label": t("switcher") });
    const keys = el("footer", {}, el("span", {}, el("kbd", {}, "↑"), el("kbd", {}, "↓"), ` ${t("move")}`), el("span", {}, el("kbd", {}, "↵"), ` ${t("open")}`), el("span", {}, el("kbd", {}, "Esc"), ` ${t("close")}`));
    const made = (box = /** @type {HTMLDialogElement} */ (el("dialog", { class: "dialog switcher", "aria-label": t("switcher") }, el("div", { class: "ask" }, icon("search"), ask, shut), found, keys)));
    /** @type {Goal[]} */
    let goals = [];
    let at = 0;

    const draw = (/** @type {[string, Goal[]][]} */ groups) => {
      goals = groups.flatMap(([, list]) => list);
      at = Math.min(at, Math.max(0, goals.length - 1));
      let i = 0;
      found.replaceChildren(
        ...groups.filter(([, list]) => list.length).map(([title, list]) =>
          el("div", { role: "group", "aria-label": title }, el("h2", { "aria-hidden": "true" }, title), ...list.map((goal) => option(goal, i++, ask.value.trim()))),
        ),
        ...(goals.length ? [] : [el("p", { class: "none" }, t("nothing_found"))]),
      );
      choose(at);
    };
    const choose = (/** @type {number} */ i) => {
      at = i;
      for (const one of all("[role=option]", found)) one.setAttribute("aria-selected", String(Number(one.dataset.i) === i));
      const chosen = find(`[data-i="${i}"]`, found);
      chosen?.scrollIntoView({ block: "nearest" });
      if (chosen) ask.setAttribute("aria-activedescendant", chosen.id);
      else ask.removeAttribute("aria-activedescendant");
    };
    let turn = 0;
    const people = debounce(120, async (/** @type {string} */ letters, /** @type {[string, Goal[]][]} */ groups, /** @type {Set<string>} */ known) => {
      const mine = ++turn;
      const answer = await api("GET", `/api/people?q=${encodeURIComponent(letters)}&limit=8`).catch(() => ({ people: [] }));
      if (mine !== turn || box !== made) return;
      const list = answer.people.filter((/** @type {any} */ one) => one.user !== app.me.id && !known.has(one.user)).map((/** @type {any} */ one) => ({
        name: one.display,
        note: `@${one.name}`,
        picture: avatar({ ...one, picture: one.picture?.id }, "sm", el("i", { class: "presence", "data-is": is(app.presence.get(one.user)) })),
        unread: 0,
        lit: false,
        open: async () => app.bus.emit("open", await api("POST", "/api/rooms", { kind: "direct", people: [one.user] })),
      }));
      draw([...groups, [t("people"), list]]);
    });
    const look = () => {
      const letters = ask.value.trim();
      const list = rooms().map((goal) => ({ ...goal, weight: fit(goal.name, letters) })).filter(({ weight }) => weight >= 0);
      const order = letters ? (/** @type {any} */ a, /** @type {any} */ b) => a.weight - b.weight : (/** @type {any} */ a, /** @type {any} */ b) => Number(b.lit) - Number(a.lit) || Number(b.unread > 0) - Number(a.unread > 0);
      const groups = /** @type {[string, Goal[]][]} */ ([[t(letters ? "rooms" : "rooms_and_talks"), list.sort(order).slice(0, 12)]]);
      draw(groups);
      people.cancel();
      turn += 1;
      if (letters) people(letters, groups, new Set(list.map((goal) => goal.user).filter(Boolean)));
    };
    ask.addEventListener("input", () => {
      at = 0;
      look();
    });
    ask.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") choose((at + (event.key === "ArrowDown" ? 1 : goals.length - 1)) % Math.max(1, goals.length));
      else if (event.key === "Enter") {
        const goal = goals[at];
        made.close();
        goal?.open();
      } else if (event.key === "Escape") made.close();
      else return;
      event.preventDefault();
    });
    found.addEventListener("click", (/** @type {Event} */ event) => {
      const one = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-i]"));
      if (!one) return;
      made.close();
      goals[Number(one.dataset.i)]?.open();
    });
    shut.addEventListener("click", () => made.close());
    made.addEventListener("click", (event) => event.target === made && made.close());
    made.addEventListener("close", () => {
      made.remove();
      box = null;
    });
    document.body.append(made);
    made.showModal();
    look();
    ask.focus();
  };
  app.bus.on("switcher", show);
}

/** @param {Goal} goal @param {number} i @param {string} letters */
function option(goal, i, letters) {
  const at = letters ? goal.name.toLowerCase().indexOf(letters.toLowerCase()) : -1;
  const name = el("b", {}, el("bdi", {}, ...(at < 0 ? [goal.name] : [goal.name.slice(0, at), el("mark", {}, goal.name.slice(at, at + letters.length)), goal.name.slice(at + letters.length)])));
  const badge = goal.unread ? [el("span", { class: `badge${goal.lit ? " you" : ""}` }, String(goal.unread))] : [];
  return el("div", { role: "option", id: `goal-${i}`, "data-i": String(i), "aria-selected": "false" }, goal.picture, el("span", { class: "lines" }, name, ...(goal.note ? [el("small", {}, goal.note)] : [])), ...badge);
}
