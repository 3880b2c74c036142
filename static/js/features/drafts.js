// What isn't sent yet: kept here at once, on the server a little later, and so on one's other devices.
import { debounce } from "../core/dom.js";

const SAVE_AFTER_MS = 1200;

/** @param {import("./composer.js").Composer} composer */
export function startDrafts(composer) {
  const { app, room } = composer;
  const { signal } = room;
  const key = `parlor.draft.${app.me.id}.${room.id}`;
  /** What the server was last told, or told us. */
  let known = composer.text;

  const kept = localStorage.getItem(key);
  if (kept !== null && kept !== composer.text) composer.text = kept;

  const save = () => {
    if (composer.length > 4000 || composer.text === known) return;
    const { text } = composer;
    if (app.tell({ type: "draft", room: room.id, text })) {
      known = text;
      localStorage.removeItem(key);
    }
  };
  const soon = debounce(SAVE_AFTER_MS, save);

  app.bus.on("composed", ({ text }) => {
    if (text === known) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    soon();
  }, signal);
  app.bus.on("sent", () => {
    soon.cancel();
    save();
  }, signal);
  app.bus.on("connection", ({ state }) => state === "open" && soon(), signal);
  app.bus.on("person", (frame) => {
    if (frame.change !== "draft" || frame.room !== room.id || frame.text === known) return;
    // Written on another device. What is being written here goes first.
    const untouched = composer.text === known;
    known = frame.text;
    if (untouched && document.activeElement !== composer.field) composer.text = frame.text;
  }, signal);
  signal.addEventListener("abort", () => {
    soon.cancel();
    save();
  });
  addEventListener("pagehide", save, { signal });
}
