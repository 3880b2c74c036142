// All files of a room, by kind, the newest first.
import { all, el, find, icon, near, tool } from "../core/dom.js";
import { api } from "../core/api.js";
import { sheet } from "../core/sheet.js";
import { t } from "../core/text.js";
import { minutes } from "../core/waveform.js";
import { moment } from "../core/when.js";
import { described, image } from "./attachments.js";
import { dialog } from "./dialogs.js";

/** Messages with files that are fetched at a time. */
const PAGE = 30;
/** @type {[string, string][]} */
const KINDS = [["", "all_files"], ["image", "pictures"], ["video", "videos"], ["audio,voice", "sounds"], ["text,pdf,archive,other", "documents"]];

/** @param {import("./app.js").App} app */
export function startShelf(app) {
  app.bus.on("files", async () => {
    const { room } = app;
    if (!room || find("dialog.shelf")) return;
    await sheet("lightbox");
    new Shelf(app, room.id);
  });
}

class Shelf {
  #list = el("ul", { class: "found" });
  #more = el("button", { class: "button quiet wide", type: "button", hidden: true }, t("show_more"));
  #note = el("p", { class: "none", role: "status" });
  #kind = "";
  /** @type {number | null} */ #next = null;
  #turn = 0;

  /** @param {import("./app.js").App} app @param {string} room */
  constructor(app, room) {
    this.app = app;
    this.room = room;
    const shut = tool("close", t("close"), { class: "tool shut" });
    const kinds = el("div", { class: "kinds", role: "group", "aria-label": t("kind_of_files") }, ...KINDS.map(([kind, label]) => el("button", { type: "button", "data-kind": kind, "aria-pressed": String(kind === "") }, t(label))));
    this.box = dialog(t("files"), shut, kinds, el("div", { class: "scroll", tabindex: "-1" }, this.#list, this.#note, this.#more));
    this.box.classList.add("shelf");
    shut.addEventListener("click", () => this.box.close());
    this.#more.addEventListener("click", () => this.#load());
    this.box.addEventListener("click", (event) => this.#click(event));
    this.#choose("");
  }

  /** @param {string} kind */
  #choose(kind) {
    this.#kind = kind;
    this.#next = null;
    for (const button of all(".kinds button", this.box)) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    this.#list.replaceChildren();
    this.#list.toggleAttribute("data-grid", kind === "image");
    this.#load();
  }

  async #load() {
    const mine = ++this.#turn;
    this.#more.disabled = true;
    const query = new URLSearchParams({ limit: String(PAGE), ...(this.#kind && { kind: this.#kind }), ...(this.#next && { before: String(this.#next) }) });
    const page = await api("GET", `/api/rooms/${this.room}/files?${query}`).catch(() => null);
    if (mine !== this.#turn || !this.box.isConnected) return;
    this.#more.disabled = false;
    if (!page) {
      this.#note.textContent = t("not_loaded");
      return;
    }
    const names = await Promise.all(page.files.map((/** @type {any} */ file) => this.app.names.of(file.author)));
    if (mine !== this.#turn) return;
    const first = this.#list.children.length;
    this.#list.append(...page.files.map((/** @type {any} */ file, /** @type {number} */ i) => row(file, names[i], this.room)));
    this.#next = page.next ?? null;
    this.#more.hidden = !this.#next;
    this.#note.textContent = this.#list.children.length ? "" : t("no_files");
    if (first) /** @type {HTMLElement | null} */ (this.#list.children[first]?.querySelector("a"))?.focus();
  }

  /** @param {Event} event */
  async #click(event) {
    const kind = near(event, "[data-kind]:not(a)");
    const link = near(event, "a.image");
    const where = near(event, "a[data-seq]");
    if (kind) this.#choose(kind.dataset.kind);
    else if (where) {
      event.preventDefault();
      this.box.close();
      this.app.bus.emit("go", { room: this.room, seq: Number(where.dataset.seq) });
    } else if (link && !(/** @type {MouseEvent} */ (event).ctrlKey) && !(/** @type {MouseEvent} */ (event).metaKey)) {
      event.preventDefault();
      const { lightbox } = await import("./lightbox.js");
      lightbox(all("a.image", this.#list), link);
    }
  }
}

/** @param {any} file @param {string} who @param {string} room */
function row(file, who, room) {
  const { kind, fileName: name, fileUrl: url, fileSize: bytes, seq, at, duration } = file;
  const look = kind === "image" ? image(file) : el("span", { class: "glyph" }, icon(kind === "voice" ? "mic" : kind === "audio" || kind === "video" ? "play" : "file"));
  if (kind === "image") {
    look.dataset.who = who;
    look.dataset.at = String(at);
  }
  const title = kind === "voice" ? t("voice_of", { length: minutes(duration / 1000) }) : name;
  return el("li", {}, look,
    el("div", { class: "lines" }, el("a", { href: url, download: name }, el("bdi", {}, title)),
      el("small", {}, `${described(name, bytes)} · `, el("bdi", {}, who), " · ", el("a", { href: `/rooms/${room}?at=${seq}`, "data-seq": String(seq) }, moment(at)))),
    el("a", { class: "tool", href: url, download: name, "aria-label": t("download", { name: title }), title: t("download", { name: title }) }, icon("download")));
}
