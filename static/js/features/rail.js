// The room list: what is new where, which room is on show, and who of one's partners is here.
import { all, debounce, el, find } from "../core/dom.js";
import { fragment } from "../core/api.js";
import { reface } from "../core/face.js";
import { t, translate } from "../core/text.js";
import { roomsByName } from "./roomlinks.js";
import { sayAll } from "./statuses.js";

/** @param {import("./app.js").App} app */
export function startRail(app) {
  const rail = () => /** @type {HTMLElement} */ (find("#rail"));
  const row = (/** @type {string} */ room) => /** @type {HTMLElement | null} */ (find(`#rail .room[data-room="${CSS.escape(room)}"]`));

  const draw = (/** @type {string} */ room) => {
    const link = row(room);
    if (!link) return;
    const { seq, read, mentions } = app.unread.of(room);
    const unread = Math.max(0, seq - read);
    link.toggleAttribute("data-unread", unread > 0);
    let badge = link.querySelector(".badge");
    if (!unread) {
      badge?.remove();
      return;
    }
    if (!badge) link.append((badge = el("span", { class: "badge" })));
    const count = mentions || unread;
    const lit = mentions > 0 || link.dataset.kind === "direct";
    const label = t(mentions ? "mentions" : "unread", { n: count });
    badge?.classList.toggle("you", lit);
    badge?.replaceChildren(el("span", { "aria-hidden": "true" }, count > 99 ? "99+" : String(count)), el("span", { class: "sr" }, label));
  };

  /** Takes over what a freshly drawn list says. */
  const read = () => {
    for (const link of all(".room[data-room]", rail())) {
      const { room, seq, read: mark, mentions } = link.dataset;
      app.unread.set(room, { seq: Number(seq), read: Number(mark), mentions: Number(mentions) });
      draw(room);
    }
    const named = all('.room[data-kind="public"], .room[data-kind="private"]', rail());
    app.rooms = roomsByName(named.map((link) => [link.dataset.room, link.querySelector(".label").textContent]));
    app.names.read(rail());
    translate(rail());
    sayAll(rail());
    presence();
    current();
    app.bus.emit("rail-drawn");
  };
  const current = () => {
    for (const link of all(".room[data-room]", rail())) {
      if (link.dataset.room === app.room?.id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  const presence = () => {
    for (const avatar of all("[data-partner]", rail())) {
      const dot = avatar.querySelector(".presence");
      if (dot && app.presence.has(avatar.dataset.partner)) dot.dataset.is = is(app.presence.get(avatar.dataset.partner));
    }
  };
  const reload = debounce(150, async () => {
    try {
      const fresh = (await fragment("/rail")).querySelector("#rail");
      if (!fresh) return;
      const at = rail().scrollTop;
      rail().replaceWith(fresh);
      rail().scrollTop = at;
      read();
    } catch {
      // The next change tries again.
    }
  });
  /** A direct message with news goes to the top of its list. @param {string} room */
  const raise = (room) => {
    const link = row(room);
    const item = link?.closest("li");
    const list = item?.parentElement;
    if (link?.classList.contains("person") && item && list && list.firstElementChild !== item && !list.contains(document.activeElement)) list.prepend(item);
  };

  app.bus.on("unread", ({ room }) => draw(room));
  app.bus.on("shown", current);
  app.bus.on("rail", reload);
  app.bus.on("message", (frame) => {
    if (frame.change !== "posted") return;
    if (row(frame.room)) raise(frame.room);
    else reload();
  });
  app.bus.on("room", (frame) => {
    if (["renamed", "picture", "archived", "joined", "left", "removed"].includes(frame.change)) reload();
  });
  app.bus.on("profile", ({ user, display, picture }) => {
    reload();
    if (user !== app.me.id) return;
    find(".me b").textContent = display;
    if (picture !== undefined) reface(find(".me .avatar"), picture, display);
  });
  app.bus.on("person", (frame) => {
    if (frame.change === "room-added") {
      if (frame.head) app.unread.set(frame.room, frame.head);
      reload();
    } else if (frame.change === "room-gone") {
      app.unread.gone(frame.room);
      reload();
    } else if (frame.change === "read") app.unread.read(frame.room, frame.read, frame.mentions);
  });
  const heads = (/** @type {any[]} */ list) => {
    for (const head of list) app.unread.set(head.room, head);
    const shown = new Set(all(".room[data-room]", rail()).map((link) => link.dataset.room));
    if (shown.size !== list.length || list.some((head) => !shown.has(head.room))) reload();
  };
  app.bus.on("heads", (frame) => heads(frame.rooms));
  app.bus.on("resumed", (frame) => {
    if (frame.rooms) heads(frame.rooms);
    else if (frame.room) app.unread.set(frame.room, { seq: frame.seq, read: frame.read, mentions: frame.mentions });
  });
  app.bus.on("presence", (frame) => {
    for (const { user, state } of frame.people ?? []) app.presence.set(user, state);
    presence();
  });
  read();
}

/** The presence as the style sheets know it. @param {string | undefined} state */
export const is = (state) => (state === "online" ? "here" : state === "idle" ? "away" : "off");
