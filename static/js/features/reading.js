// What was read: told to the server a little after the newest line is in view of somebody who looks.
import { debounce } from "../core/dom.js";

const TELL_AFTER_MS = 400;

/** @param {import("./room.js").Room} room */
export function startReading(room) {
  const { app, timeline, signal } = room;
  if (!room.joined) return;

  const tell = debounce(TELL_AFTER_MS, () => {
    app.tell({ type: "read", room: room.id, seq: app.unread.of(room.id).read });
  });
  const look = () => {
    const { seq, read } = app.unread.of(room.id);
    const seen = timeline.moreAfter ? 0 : timeline.last;
    if (document.hidden || !document.hasFocus() || !timeline.place.atEnd || seen <= read || seen > seq) return;
    app.unread.read(room.id, seen);
    tell();
  };
  const soon = debounce(50, look);

  timeline.box.addEventListener("scroll", soon, { passive: true, signal });
  document.addEventListener("visibilitychange", soon, { signal });
  addEventListener("focus", soon, { signal });
  app.bus.on("line", soon, signal);
  app.bus.on("heads", (frame) => {
    const head = frame.rooms.find((/** @type {any} */ one) => one.room === room.id);
    if (head && app.unread.of(room.id).read > head.read) tell();
    soon();
  }, signal);
  signal.addEventListener("abort", () => {
    soon.cancel();
  });
  soon();
}
