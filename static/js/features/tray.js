// What goes with the next message: shown above the field while it is on its way up. A room's tray stays while one is
// in other rooms.
import { el, find, icon, tool } from "../core/dom.js";
import { shown } from "../core/filename.js";
import { Parcel } from "../core/parcel.js";
import { mayShrink } from "../core/shrink.js";
import { sheet } from "../core/sheet.js";
import { size } from "../core/size.js";
import { say, t } from "../core/text.js";
import { local } from "./attachments.js";
import { toast } from "./toasts.js";
import { doneUpload, frameOf, picture, uploadOf } from "./transfer.js";
import { underway } from "./underway.js";

/** @typedef {import("../core/parcel.js").Item} Item */

/** What is up but not sent is kept for a reload this long, in milliseconds: the server sweeps it after a day. */
const KEPT_MS = 20 * 60 * 60 * 1000;
/** How long files wait for the limits of this moment. */
const ASKING_MS = 2000;

/** The tray of the room that a composer writes in. @param {import("./composer.js").Composer} composer @returns {Tray} */
export function trayFor(composer) {
  const { app, room } = composer;
  let tray = app.trays.get(room.id);
  if (!tray) app.trays.set(room.id, (tray = new Tray(app, limitsOf(composer.form), keyOf(app, room.id))));
  tray.show(composer);
  return tray;
}

/** Where a room's tray is kept. @param {import("./app.js").App} app @param {string} room */
const keyOf = (app, room) => `parlor.tray.${app.me.id}.${room}`;

/** @param {HTMLElement} form @returns {import("../core/parcel.js").Limits} */
export function limitsOf(form) {
  return { file: Number(form.dataset.uploadMax) || Infinity, message: Number(form.dataset.filesMax) || 10, left: null };
}

export class Tray {
  #parcel = new Parcel();
  /** @type {import("./composer.js").Composer | null} */ #composer = null;
  /** @type {WeakMap<Item, Row>} */ #rows = new WeakMap();
  /** @type {WeakMap<Item, string>} */ #frames = new WeakMap();

  /** @param {import("./app.js").App} app @param {import("../core/parcel.js").Limits} limits @param {string} key */
  constructor(app, limits, key) {
    this.app = app;
    this.limits = limits;
    this.key = key;
    sheet("tray");
    this.#restore();
    addEventListener("beforeunload", (event) => this.#parcel.busy && event.preventDefault());
  }

  get empty() {
    return this.#parcel.empty;
  }

  /** Whether something in it keeps the message from going. */
  get blocked() {
    return this.#parcel.failed;
  }

  #restore() {
    /** @type {{ at: number, files: import("../core/upload.js").Stored[] } | null} */
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
    } catch {
      // Then nothing was kept.
    }
    if (!kept || Date.now() - kept.at > KEPT_MS) return;
    for (const file of kept.files) this.#parcel.restore(doneUpload(file));
  }

  #keep() {
    const { files } = this.#parcel;
    if (files.length) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), files }));
    else localStorage.removeItem(this.key);
  }

  /** Draws it where this composer has a place for it. @param {import("./composer.js").Composer} composer */
  show(composer) {
    if (this.#composer === composer) return;
    this.#composer = composer;
    composer.tray = this;
    composer.room.signal.addEventListener("abort", () => {
      if (this.#composer === composer) this.#composer = null;
    });
    this.#draw();
  }

  /** @param {File[]} files */
  async add(files) {
    await this.#ask();
    const { added, turned } = this.#parcel.add(files, this.limits);
    for (const { name, reason } of turned) {
      toast(t(`upload_${reason}`, { name: shown(name), max: size(this.limits.file), n: this.limits.message, left: size(this.limits.left ?? 0) }));
    }
    for (const item of added) this.#prepare(item);
    this.#draw();
    this.#composer?.focus();
  }

  /** How much more this person may keep. Where it can't be asked, the server says it later. */
  async #ask() {
    const now = await fetch("/api/uploads/limits", { signal: AbortSignal.timeout(ASKING_MS) }).then((answer) => answer.json()).catch(() => null);
    if (now?.person_bytes) this.limits.left = Math.max(0, now.person_bytes - now.person_used);
  }

  /** The message goes, with what is in here: at once, or as soon as all of it is up. @param {any} letter */
  send(letter) {
    const parcel = this.#parcel;
    this.#parcel = new Parcel();
    this.#draw();
    if (parcel.ready) this.app.outbox.add({ ...letter, files: parcel.files.map(({ id }) => id) }, { files: parcel.files });
    else underway(this.app).send(letter, parcel);
  }

  /** @param {Item} item */
  async #prepare(item) {
    const file = /** @type {File} */ (item.source);
    const row = this.#row(item);
    const looks = file.type.startsWith("image/") && file.type !== "image/svg+xml";
    const made = looks ? await picture(file, mayShrink(file)) : { thumb: null, small: null };
    const frame = file.type.startsWith("video/") ? await frameOf(file) : "";
    if (frame) this.#frames.set(item, frame);
    item.thumb = made.thumb;
    row.look(made.thumb);
    if (made.small) row.offer(file, made.small, (blob) => this.#load(item, blob));
    if (this.#holds(item)) this.#load(item, made.small ?? file);
  }

  /** @param {Item} item @param {Blob} blob */
  #load(item, blob) {
    item.upload?.cancel();
    item.size = blob.size;
    item.upload = uploadOf(blob, { name: item.name, type: blob.type, size: blob.size, frame: this.#frames.get(item) }, () => this.#changed(item));
    this.#pump();
    this.#changed(item);
  }

  /** @param {Item} item */
  #changed(item) {
    this.#rows.get(item)?.draw();
    if (item.upload && !item.upload.busy) this.#pump();
    if (this.#holds(item)) {
      if (item.upload?.over) this.#keep();
      this.#composer?.changed();
    } else underway(this.app).changed(item);
  }

  #pump() {
    this.#parcel.pump();
    underway(this.app).pump();
  }

  /** @param {Item} item */
  #holds(item) {
    return this.#parcel.items.includes(item);
  }

  /** @param {Item} item */
  #remove(item) {
    const { items } = this.#parcel;
    const next = items[items.indexOf(item) + 1] ?? items[items.indexOf(item) - 1];
    this.#parcel.remove(item);
    this.#draw();
    if (next) this.#row(next).focus();
    else this.#composer?.focus();
  }

  /** @param {Item} item */
  #row(item) {
    let row = this.#rows.get(item);
    if (!row) this.#rows.set(item, (row = new Row(item, () => this.#remove(item))));
    return row;
  }

  #draw() {
    this.#keep();
    const composer = this.#composer;
    if (!composer) return;
    const box = find("#tray", composer.form);
    const { items } = this.#parcel;
    box.hidden = items.length === 0;
    box.replaceChildren(
      el("ul", { "aria-label": t("files_to_send") }, ...items.map((item) => this.#row(item).li)),
      el("p", { class: "limits" }, t("upload_limits", { max: size(this.limits.file), n: this.limits.message })),
    );
    composer.changed();
  }
}

/** One file in the tray. */
class Row {
  #item;
  #note = el("small");
  #bar = el("div", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, el("i"));
  #look = el("span", { class: "look" }, icon("file"));
  #again = tool("refresh", t("try_again"), { class: "tool again" });
  #lines;

  /** @param {Item} item @param {() => void} remove */
  constructor(item, remove) {
    this.#item = item;
    const name = shown(item.name);
    this.#bar.setAttribute("aria-label", t("uploading", { name }));
    this.#again.addEventListener("click", () => item.upload?.start());
    this.away = tool("close", t("take_out", { who: name }));
    this.away.addEventListener("click", remove);
    this.#lines = el("div", { class: "lines" }, el("b", { title: name }, el("bdi", {}, name)), this.#note, this.#bar);
    this.li = el("li", {}, this.#look, this.#lines, this.#again, this.away);
    this.draw();
  }

  focus() {
    this.away.focus();
  }

  /** @param {Blob | null} thumb */
  look(thumb) {
    if (!thumb) return;
    this.#look.replaceChildren(local(thumb));
  }

  /** A smaller picture is sent, unless one wants the whole. @param {Blob} whole @param {Blob} small @param {(blob: Blob) => void} choose */
  offer(whole, small, choose) {
    const box = el("input", { type: "checkbox" });
    box.addEventListener("change", () => choose(box.checked ? whole : small));
    this.#lines.append(el("label", { class: "whole" }, box, t("keep_original", { size: size(whole.size) })));
  }

  draw() {
    const { state, upload, part } = this.#item;
    this.li.dataset.state = state;
    const percent = Math.round(part * 100);
    this.#bar.hidden = state === "done" || state === "failed";
    this.#bar.setAttribute("aria-valuenow", String(percent));
    this.#bar.firstElementChild.style.inlineSize = `${percent}%`;
    this.#again.hidden = state !== "failed";
    this.#note.textContent = state === "failed" ? `${t("not_uploaded")} ${say(upload?.error)}` : state === "done" ? size(this.#item.size) : `${size(this.#item.size)} · ${t(`upload_${state}`, { n: percent })}`;
    if (state === "failed") this.#note.setAttribute("role", "alert");
    else this.#note.removeAttribute("role");
  }
}
