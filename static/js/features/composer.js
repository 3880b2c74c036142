// Where one writes: sending, the reply it answers, the limit, formatting. Drafts and completion have their own files.
import { el, find, near, tool } from "../core/dom.js";
import { t } from "../core/text.js";
import { wordsOf } from "./dress.js";
import { appearance } from "../core/appearance.js";

/** Characters of a message at most, and how near to it the count is shown. */
export const LIMIT = 4000;
const SHOWN_FROM = 200;

/** What formatting puts around, or before each line. @type {Record<string, [string, string] | string>} */
const MARKS = { bold: ["**", "**"], italic: ["_", "_"], strike: ["~~", "~~"], code: ["`", "`"], link: ["[", "](https://)"], list: "- ", quote: "> " };
const KEYS = /** @type {Record<string, string>} */ ({ b: "bold", i: "italic", e: "code" });

export class Composer {
  /** @type {{ seq: number } | null} */ #reply = null;
  /** What goes with the next message, once there was something. @type {import("./tray.js").Tray | null} */ tray = null;

  /** @param {import("./room.js").Room} room */
  constructor(room) {
    this.room = room;
    this.app = room.app;
    this.form = /** @type {HTMLFormElement} */ (find("#compose", room.main));
    this.field = /** @type {HTMLTextAreaElement} */ (find("#text", this.form));
    this.send = /** @type {HTMLButtonElement} */ (find(".send", this.form));
    const { signal } = room;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    }, { signal });
    this.field.addEventListener("input", () => this.changed(), { signal });
    this.field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.form.addEventListener("click", (event) => {
      const format = near(event, "[data-format]");
      if (format) this.format(format.dataset.format);
      else if (near(event, "#replying .tool")) this.reply(null);
    }, { signal });
    this.changed();
  }

  get text() {
    return this.field.value;
  }

  /** @param {string} text */
  set text(text) {
    this.field.value = text;
    this.changed();
  }

  get length() {
    return [...this.text].length;
  }

  focus() {
    this.field.focus();
  }

  /** What is written changed: the button, the count, and whoever listens. */
  changed() {
    const left = LIMIT - this.length;
    const files = !!this.tray && !this.tray.empty;
    this.send.disabled = (this.text.trim() === "" && !files) || left < 0 || !!this.tray?.blocked;
    const count = find("#left", this.form);
    count.hidden = left > SHOWN_FROM;
    count.textContent = left >= 0 ? t("left", { n: left }) : t("over", { n: -left });
    count.toggleAttribute("data-over", left < 0);
    if (!CSS.supports("field-sizing", "content")) {
      this.field.style.height = "auto";
      this.field.style.height = `${this.field.scrollHeight}px`;
    }
    this.app.bus.emit("composed", { room: this.room.id, text: this.text });
  }

  submit() {
    if (this.send.disabled) return;
    const letter = { type: "message", room: this.room.id, text: this.text.trim() ? this.text.trimEnd() : "", ...this.answering() };
    const { tray } = this;
    if (tray && !tray.empty) tray.send(letter);
    else this.app.outbox.add(letter);
    this.text = "";
    this.app.bus.emit("sent", { room: this.room.id });
    this.app.bus.emit("newest");
    this.focus();
  }

  /** What a message that goes now answers, if anything; the next one doesn't. */
  answering() {
    const reply = this.#reply;
    this.reply(null);
    return reply ? { reply_to: reply.seq } : {};
  }

  /** Answers a message, or none. @param {HTMLElement | null} li */
  reply(li) {
    const strip = /** @type {HTMLElement} */ (find("#replying", this.form));
    this.#reply = li && { seq: Number(li.dataset.seq) };
    strip.hidden = !li;
    strip.replaceChildren();
    if (!li) return;
    const name = li.querySelector(".author")?.textContent ?? "";
    const excerpt = (wordsOf(li) || nameOf(li)).slice(0, 140);
    strip.append(el("span", { class: "excerpt" }, t("replying_to"), " ", el("b", {}, el("bdi", {}, name)), " ", el("span", { dir: "auto" }, excerpt)), tool("close", t("stop_replying")));
    this.focus();
  }

  /** @param {string} kind */
  format(kind) {
    const { field } = this;
    const mark = MARKS[kind];
    const { selectionStart: start, selectionEnd: end, value } = field;
    const chosen = value.slice(start, end);
    if (kind === "code" && chosen.includes("\n")) this.#insert(`\`\`\`\n${chosen}\n\`\`\``, 4, 4 + chosen.length);
    else if (typeof mark === "string") {
      const from = value.lastIndexOf("\n", start - 1) + 1;
      field.setSelectionRange(from, end);
      const lines = value.slice(from, end).split("\n").map((line) => mark + line).join("\n");
      this.#insert(lines, lines.length, lines.length);
    } else if (mark) this.#insert(mark[0] + chosen + mark[1], mark[0].length, mark[0].length + chosen.length);
  }

  /** Puts text where the caret is, as if it was typed: undo knows it. @param {string} text */
  insert(text) {
    this.#insert(text, text.length, text.length);
  }

  /** @param {string} text @param {number} from @param {number} to  what is chosen afterwards, within the text */
  #insert(text, from, to) {
    const { field } = this;
    field.focus();
    const start = field.selectionStart;
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, start, field.selectionEnd, "end");
    field.setSelectionRange(start + from, start + to);
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      const touch = matchMedia("(pointer: coarse)").matches;
      if (command || (appearance().enter !== false && !touch && !this.inCode)) {
        event.preventDefault();
        this.submit();
      }
    } else if (event.key === "Escape") {
      if (this.#reply) this.reply(null);
      else this.app.bus.emit("newest");
    } else if (event.key === "ArrowUp" && this.text === "" && !command && !event.shiftKey) {
      const own = [...this.room.timeline.log.querySelectorAll('li[data-own][data-kind="text"]')].pop();
      if (!own) return;
      event.preventDefault();
      this.app.bus.emit("edit", own);
    } else if (command && !event.shiftKey && !event.altKey && KEYS[event.key]) {
      event.preventDefault();
      this.format(KEYS[event.key]);
    }
  }

  /** Whether the caret is within an open code block: there Enter begins a new line. */
  get inCode() {
    const before = this.text.slice(0, this.field.selectionStart);
    return (before.match(/^```/gm)?.length ?? 0) % 2 === 1;
  }
}

/** Of a message without words: its first file's name. @param {HTMLElement} li */
const nameOf = (li) => /** @type {HTMLElement | null} */ (li.querySelector(".files [data-name]"))?.dataset.name ?? "";

/** @param {import("./room.js").Room} room */
export function startComposer(room) {
  const { app, signal } = room;
  if (!find("#compose", room.main)) return null;
  const composer = new Composer(room);
  app.bus.on("reply", (li) => composer.reply(li), signal);
  app.bus.on("write", (text) => composer.insert(text), signal);
  app.bus.on("focus-composer", () => composer.focus(), signal);
  find("#emoji", composer.form).addEventListener("click", (/** @type {Event} */ event) => {
    app.bus.emit("pick", { beside: event.currentTarget, then: (/** @type {string} */ emoji) => composer.insert(emoji) });
  }, { signal });
  // A drop of typing anywhere lands in the composer.
  document.addEventListener("keydown", (event) => {
    const plain = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && /[\p{L}\p{N}]/u.test(event.key);
    const free = document.activeElement === document.body || document.activeElement === room.timeline.box;
    if (plain && free && !document.querySelector(":popover-open, dialog[open]")) composer.focus();
  }, { signal });
  if (matchMedia("(hover: hover) and (width >= 64rem)").matches && !room.at) requestAnimationFrame(() => signal.aborted || composer.focus());
  return composer;
}
