// What isn't sent yet: kept here at once, on the server a little later, and so on one's other devices.
import { api } from "../core/api.js";
import { debounce } from "../core/dom.js";

const SAVE_AFTER_MS = 1200;

/** @param {import("./composer.js").Composer} composer */
export function startDrafts(composer) {
  const { app, room } = composer;
  const { signal } = room;
  const key = `parlor.draft.${app.me.id}.${room.id}`;
  /** What the server was last told, or told us. */
  let known = composer.text;
  /** What we told and haven't heard again: it comes back to us as to our other devices. @type {string[]} */
  const told = [];

  const kept = localStorage.getItem(key);
  if (kept !== null && kept !== composer.text) composer.text = kept;

  const save = () => {
    if (composer.length > 4000 || composer.text === known) return;
    const { text } = composer;
    if (app.tell({ type: "draft", room: room.id, text })) {
      known = text;
      told.push(text);
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
  app.bus.on("connection", ({ state }) => {
    if (state === "open") soon();
    else told.length = 0;
  }, signal);
  /** Written on another device. What is being written here goes first. @param {string} text */
  const elsewhere = (text) => {
    const own = told.indexOf(text);
    if (own >= 0) told.splice(0, own + 1);
    if (own >= 0 || text === known) return;
    const untouched = composer.text === known;
    known = text;
    if (untouched) composer.text = text;
  };
  app.bus.on("person", (frame) => frame.change === "draft" && frame.room === room.id && elsewhere(frame.text), signal);
  app.bus.on("resumed", (frame) => {
    if (frame.drafts) elsewhere(frame.drafts.find((/** @type {any} */ draft) => draft.room === room.id)?.text ?? "");
  }, signal);
  // Too much was missed to be told one by one.
  app.bus.on("own-reload", async () => {
    const draft = await api("GET", `/api/rooms/${room.id}/draft`).catch(() => null);
    if (draft && !signal.aborted) elsewhere(draft.text);
  }, signal);
  signal.addEventListener("abort", () => {
    soon.cancel();
    save();
  });
  addEventListener("pagehide", save, { signal });
}
