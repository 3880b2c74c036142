// New messages for those who listen: one by one while they are few, as a number when they are many. And the title.
import { all, debounce, find } from "../core/dom.js";
import { t } from "../core/text.js";
import { wordsOf } from "./dress.js";

const GATHER_MS = 1500;
const SPOKEN_AT_MOST = 2;

/** @param {import("./app.js").App} app */
export function startAnnouncing(app) {
  const box = /** @type {HTMLElement} */ (find("#announcer"));
  /** @type {string[]} */
  let waiting = [];
  const speak = debounce(GATHER_MS, () => {
    const lines = waiting.length > SPOKEN_AT_MOST ? [t("announce_many", { n: waiting.length })] : waiting;
    waiting = [];
    box.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  });

  app.bus.on("posted", (frame) => {
    if (frame.author === app.me.id || document.hidden) return;
    const li = app.room?.timeline.line(frame.seq);
    const files = Number(li?.dataset.files);
    const text = wordsOf(li).slice(0, 200) || (files ? t("files_n", { n: files }) : "");
    waiting.push(t("announce", { who: app.names.get(frame.author) ?? t("somebody"), text }));
    speak();
  });

  const title = () => {
    // What is lit in the room list calls for this person: mentions, and all in direct messages.
    const lit = all("#rail .badge.you > [aria-hidden]").reduce((sum, count) => sum + (parseInt(count.textContent, 10) || 0), 0);
    const mark = lit ? `(${lit}) ` : app.unread.total.messages ? "• " : "";
    const place = app.room?.name ?? document.querySelector("h1")?.textContent ?? "";
    document.title = `${mark}${place} · ${app.server}`;
  };
  const soon = debounce(50, title);
  app.bus.on("unread", soon);
  app.bus.on("title", soon);
  app.bus.on("shown", soon);
}
