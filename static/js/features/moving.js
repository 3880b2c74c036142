// Moving between rooms without a reload: only the room's part of the page is fetched, the connection stays.
import { all, find, near } from "../core/dom.js";
import { fragment } from "../core/api.js";
import { onFirst } from "../core/lazy.js";
import { translate } from "../core/text.js";
import { startActions } from "./actions.js";
import { startAttaching } from "./attaching.js";
import { startComposer } from "./composer.js";
import { startDrafts } from "./drafts.js";
import { startHistory } from "./history.js";
import { startPaste } from "./paste.js";
import { startPending } from "./pending.js";
import { startPeople } from "./people.js";
import { startReading } from "./reading.js";
import { Room } from "./room.js";
import { sayAll } from "./statuses.js";
import { startTyping } from "./typing.js";

const PATH = /^\/rooms\/([0-9a-f-]{36})$/;

/** With the first sign that completes. @param {import("./composer.js").Composer} composer */
function completion(composer) {
  const { field, room } = composer;
  const first = new AbortController();
  field.addEventListener("input", async () => {
    if (!/[@#:]/.test(field.value)) return;
    first.abort();
    const { startCompletion } = await import("./completion.js");
    if (!room.signal.aborted) startCompletion(composer);
  }, { signal: AbortSignal.any([room.signal, first.signal]) });
}

/** @param {import("./app.js").App} app */
export function startMoving(app) {
  let turn = 0;

  const enter = () => {
    const main = /** @type {HTMLElement | null} */ (find("main[data-room]"));
    app.room?.leave();
    app.room = null;
    if (!main) {
      app.streams.hide();
      app.bus.emit("shown");
      return;
    }
    const room = (app.room = new Room(main, app));
    startPending(room);
    startHistory(room);
    startActions(room);
    onFirst(app.bus, "edit", async () => (await import("./editing.js")).startEditing(room), room.signal);
    /** @type {Promise<void> | undefined} */
    let pins;
    const startPins = () => (pins ??= import("./pins.js").then((pinned) => pinned.startPins(room)));
    for (const event of ["pins", "pinned"]) onFirst(app.bus, event, startPins, room.signal);
    startReading(room);
    startPeople(room);
    if (room.joined) {
      startTyping(room);
      const composer = startComposer(room);
      if (composer) {
        startDrafts(composer);
        startAttaching(composer);
        startPaste(composer);
        completion(composer);
      }
    }
    app.bus.emit("shown");
  };

  /** @param {URL} url @param {boolean} push */
  const move = async (url, push) => {
    const [, id] = PATH.exec(url.pathname) ?? [];
    if (!id) {
      location.assign(url);
      return;
    }
    const mine = ++turn;
    let view;
    try {
      view = await fragment(`/rooms/${id}/view${url.search}`);
    } catch {
      if (mine === turn) location.assign(url);
      return;
    }
    const main = view.querySelector("main");
    if (mine !== turn || !main) return;
    translate(view);
    sayAll(view);
    for (const old of all("#app > main, #app > aside")) old.remove();
    const [rooms] = all("#rooms");
    if (rooms.matches(":popover-open")) rooms.hidePopover();
    find("#app").append(view);
    if (push) history.pushState(null, "", url);
    enter();
    if (app.room?.joined !== true || !matchMedia("(hover: hover)").matches) find("#main").focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = near(event, "a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target) return;
    const url = new URL(link.href);
    const [, id] = PATH.exec(url.pathname) ?? [];
    if (url.origin !== location.origin || !id) return;
    event.preventDefault();
    const seq = Number(url.searchParams.get("at"));
    if (seq && id === app.room?.id) {
      history.pushState(null, "", url);
      app.bus.emit("go", { room: id, seq });
    } else move(url, url.href !== location.href);
  });
  addEventListener("popstate", () => move(new URL(location.href), false));
  app.bus.on("open", ({ room }) => move(new URL(`/rooms/${room}`, location.origin), app.room?.id !== room));
  app.bus.on("reopen", () => move(new URL(location.href), false));
  app.bus.on("reload", ({ room }) => {
    if (!room) app.bus.emit("own-reload");
    else if (room === app.room?.id) move(new URL(location.href), false);
  });
  app.bus.on("person", (frame) => {
    if (frame.change === "room-gone" && frame.room === app.room?.id) {
      app.room?.leave();
      move(new URL("/", location.origin), true);
    } else if (frame.change === "session-ended" && frame.current) location.assign("/login");
  });
  // The next and the one before in the list; with Shift, only those with news.
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const links = all("#rail .room").filter((link) => !event.shiftKey || "unread" in link.dataset || link.dataset.room === app.room?.id);
    if (!links.length) return;
    event.preventDefault();
    const at = links.findIndex((link) => link.dataset.room === app.room?.id);
    const step = event.key === "ArrowDown" ? 1 : -1;
    links[(at + step + links.length) % links.length].click();
  });
  enter();
}
