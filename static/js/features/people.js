// Who is in the room, in groups by presence; and telling the server whether we are at the desk.
import { all, debounce, el, find, near } from "../core/dom.js";
import { fragment } from "../core/api.js";
import { t, translate } from "../core/text.js";
import { is } from "./rail.js";
import { sayAll } from "./statuses.js";

/** Without a sign for this long one counts as away. */
const IDLE_MS = 5 * 60 * 1000;

/** @param {import("./room.js").Room} room */
export function startPeople(room) {
  const { app, signal } = room;
  const aside = /** @type {HTMLElement} */ (find("#people"));
  const list = () => /** @type {HTMLElement} */ (find("#members", aside));

  const sort = () => {
    const collator = new Intl.Collator();
    for (const section of all("section[data-group]", list())) {
      const rows = [...section.querySelectorAll("li")];
      const name = (/** @type {Element} */ li) => li.querySelector("b")?.textContent ?? "";
      rows.sort((a, b) => collator.compare(name(a), name(b)));
      section.querySelector("ul").append(...rows);
      section.hidden = rows.length === 0;
      section.querySelector(".num").textContent = String(rows.length);
    }
  };
  const move = (/** @type {string} */ user, /** @type {string} */ state) => {
    const button = find(`.person-row[data-person="${CSS.escape(user)}"]`, list());
    if (!button || button.dataset.is === is(state)) return false;
    button.dataset.is = is(state);
    button.querySelector(".presence").dataset.is = is(state);
    button.querySelector(".state")?.remove();
    find(`section[data-group="${is(state)}"] ul`, list())?.append(button.closest("li"));
    return true;
  };
  const draw = () => {
    for (const button of all(".person-row", list())) move(button.dataset.person, app.presence.get(button.dataset.person) ?? "offline");
    sort();
  };
  const reload = debounce(200, async () => {
    try {
      const fresh = (await fragment(`/rooms/${room.id}/people`)).querySelector("#members");
      if (!fresh || signal.aborted) return;
      list().replaceWith(fresh);
      translate(aside);
      sayAll(aside);
      app.names.read(aside);
      draw();
    } catch {
      // Shown as it was.
    }
  });

  app.bus.on("presence", (frame) => {
    if (frame.room !== room.id && frame.room) return;
    if (frame.count !== undefined) {
      const count = find(".title .num", aside) ?? find(".title", aside).appendChild(el("span", { class: "num" }));
      count.textContent = t("here_now", { n: frame.count });
      return;
    }
    if (frame.full && frame.room) {
      const here = new Set(frame.people.map((/** @type {any} */ one) => one.user));
      for (const button of all(".person-row", list())) if (!here.has(button.dataset.person)) app.presence.set(button.dataset.person, "offline");
    }
    for (const { user, state } of frame.people ?? []) app.presence.set(user, state);
    draw();
  }, signal);
  app.bus.on("members", reload, signal);
  app.bus.on("profile", reload, signal);
  aside.addEventListener("click", async (event) => {
    const more = near(event, "[data-more-people]");
    if (!more) return;
    more.disabled = true;
    const page = await fragment(`/rooms/${room.id}/people?after=${encodeURIComponent(list().dataset.next ?? "")}`).catch(() => null);
    const next = /** @type {HTMLElement | null} */ (page?.querySelector("#members") ?? null);
    if (!next || signal.aborted) return;
    for (const section of all("section[data-group]", next)) find(`section[data-group="${section.dataset.group}"] ul`, list()).append(...section.querySelectorAll("li"));
    if (next.dataset.next) {
      list().dataset.next = next.dataset.next;
      more.disabled = false;
    } else more.remove();
    sayAll(aside);
    app.names.read(aside);
    draw();
  }, { signal });
  const watch = () => app.connection.send({ type: "watch", room: room.joined ? room.id : null });
  app.bus.on("heads", watch, signal);
  if (app.open) watch();
  if ([...app.presence.keys()].length) draw();
}

/** @param {import("./app.js").App} app */
export function startPresence(app) {
  let state = "online";
  /** @type {any} */
  let timer = 0;
  const tell = (/** @type {string} */ next) => {
    if (state === next) return;
    state = next;
    app.connection.send({ type: "presence", state });
    const dot = find("#own-presence");
    if (dot) dot.dataset.is = is(state);
  };
  const awake = () => {
    clearTimeout(timer);
    timer = setTimeout(() => tell("idle"), IDLE_MS);
    if (!document.hidden) tell("online");
  };
  for (const sign of ["pointermove", "keydown", "scroll", "touchstart"]) addEventListener(sign, awake, { passive: true, capture: true });
  document.addEventListener("visibilitychange", awake);
  app.bus.on("heads", () => app.connection.send({ type: "presence", state }));
  awake();
}
