// The room on show: its place in the page, its timeline, and the frames that concern it.
import { find } from "../core/dom.js";
import { nodes, fragment } from "../core/api.js";
import { reface } from "../core/face.js";
import { fold } from "./dress.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./app.js").App} App */

export class Room {
  #over = new AbortController();

  /** @param {HTMLElement} main @param {App} app */
  constructor(main, app) {
    this.app = app;
    this.main = main;
    const { room = "", kind = "", name = "", role = "", rev, tag = "", seq, read, mentions, at, partner } = main.dataset;
    this.id = room;
    this.kind = kind;
    this.name = name;
    this.role = role;
    this.partner = partner;
    this.at = at ? Number(at) : null;
    /** Where reading stood when the room was opened. */
    this.readBefore = Number(read);
    this.timeline = new Timeline(find("#timeline", main), app);
    if (this.joined) {
      app.unread.set(room, { seq: Number(seq), read: Number(read), mentions: Number(mentions) });
      app.streams.show(room, Number(rev), tag);
    }
    app.names.read(document);
    const signal = this.signal;
    app.bus.on("message", (frame) => this.#message(frame), signal);
    app.bus.on("reaction", (frame) => frame.room === this.id && this.timeline.react(frame), signal);
    app.bus.on("room", (frame) => this.#changed(frame), signal);
    app.bus.on("resumed", (frame) => this.#resumed(frame), signal);
    app.bus.on("profile", ({ user, display, picture }) => this.#renamed(user, display, picture), signal);
    requestAnimationFrame(() => this.timeline.place.keep(() => this.timeline.log.querySelectorAll("li[data-seq]").forEach((li) => fold(/** @type {HTMLElement} */ (li)))));
  }

  /** Ends when another room is shown. */
  get signal() {
    return this.#over.signal;
  }

  get joined() {
    return this.role !== "";
  }

  /** @param {"before" | "after" | "around"} where @param {number} seq */
  page(where, seq) {
    return fragment(`/rooms/${this.id}/messages?${where}=${seq}`);
  }

  leave() {
    this.#over.abort();
  }

  /** @param {string} name @param {string | null} topic */
  rename(name, topic) {
    this.name = name;
    find(".bar h1", this.main).textContent = name;
    if (topic !== null) find(".bar .topic", this.main).textContent = topic;
    this.app.bus.emit("title");
  }

  /** Somebody has another name or picture now. @param {string} user @param {string} display @param {string | null} [picture] */
  #renamed(user, display, picture) {
    for (const button of this.main.querySelectorAll(`.author[data-person="${CSS.escape(user)}"]`)) button.textContent = display;
    if (picture === undefined) return;
    for (const box of this.main.querySelectorAll(`.avatar[data-person="${CSS.escape(user)}"]`)) reface(box, picture, display);
  }

  /** @param {any} frame */
  #message(frame) {
    if (frame.room !== this.id) return;
    const pinned = "pinned" in (this.timeline.line(frame.seq)?.dataset ?? {});
    this.#put(frame.html);
    if (frame.change.endsWith("pinned") || (frame.change === "deleted" && pinned)) this.app.bus.emit("pinned");
    if (frame.change === "posted") this.app.bus.emit("posted", frame);
  }

  /** @param {string} html */
  #put(html) {
    const li = /** @type {HTMLElement | null} */ (nodes(html).firstElementChild);
    if (li) this.timeline.put(li);
  }

  /** @param {any} frame */
  #changed(frame) {
    if (frame.room !== this.id) return;
    if (frame.line?.html) this.#put(frame.line.html);
    if (frame.change === "renamed") this.rename(frame.name, null);
    if (frame.change === "topic") this.rename(this.name, frame.topic);
    if (frame.change === "archived") this.app.bus.emit("reopen", { room: this.id });
    if (["joined", "left", "removed", "role"].includes(frame.change)) this.app.bus.emit("members", frame);
  }

  /** @param {any} frame */
  #resumed(frame) {
    if (frame.room !== this.id) return;
    for (const message of frame.messages) this.#put(message.html);
    const { state } = frame;
    if (state && this.kind !== "direct" && this.kind !== "group") this.rename(state.name, state.topic ?? "");
    if (frame.members?.length) this.app.bus.emit("members", frame);
  }
}
