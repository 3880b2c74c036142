// The messages of the room on show: each once, in the order of `seq`, each in the newest state that was seen.
import { dayOf, placeOf } from "../core/grouping.js";
import { day } from "../core/when.js";
import { t } from "../core/text.js";
import { el } from "../core/dom.js";
import { dress, fold, reactions } from "./dress.js";
import { Place } from "./scroll.js";

/** Messages in the page at most; beyond that the far end goes. */
const AT_MOST = 300;

/**
 * @typedef {import("./app.js").App} App
 * @typedef {{ seq: number, rev: number, emoji: string, user: string, on: boolean }} Reaction
 */

export class Timeline {
  /** @type {Map<number, HTMLElement>} */ #lines = new Map();
  /** @type {((timeline: Timeline) => void)[] | null} */ #missed = null;
  /** The first unread message, and what the line above it says. */
  #fresh = { seq: 0, note: "" };

  /** @param {HTMLElement} box @param {App} app */
  constructor(box, app) {
    this.app = app;
    this.box = box;
    this.place = new Place(box);
    this.log = /** @type {HTMLElement} */ (box.querySelector(".log"));
    this.moreBefore = this.log.dataset.moreBefore === "true";
    this.moreAfter = this.log.dataset.moreAfter === "true";
    for (const li of this.#real()) this.#learn(li);
    this.arrange();
  }

  get first() {
    return Math.min(...this.#lines.keys());
  }

  get last() {
    return this.#lines.size ? Math.max(...this.#lines.keys()) : 0;
  }

  get size() {
    return this.#lines.size;
  }

  /** @param {number} seq */
  line(seq) {
    return this.#lines.get(seq);
  }

  /** @param {string} nonce @returns {HTMLElement | null} */
  pending(nonce) {
    return this.log.querySelector(`li[data-pending="${CSS.escape(nonce)}"]`);
  }

  /**
   * A message as it is at its rev. Older states than the one shown are dropped.
   * @param {HTMLElement} li
   */
  put(li) {
    this.#missed?.push((timeline) => timeline.put(/** @type {HTMLElement} */ (li.cloneNode(true))));
    const seq = Number(li.dataset.seq);
    const known = this.#lines.get(seq);
    const nonce = li.dataset.author === this.app.me.id ? li.dataset.nonce : undefined;
    if (nonce) this.app.outbox.settled(nonce);
    if (known) {
      if (Number(li.dataset.rev) <= Number(known.dataset.rev)) return;
      const focused = known.contains(document.activeElement);
      this.place.keep(() => {
        this.#learn(li);
        known.replaceWith(li);
        this.arrange();
        fold(li);
      });
      if (focused) li.focus();
      this.app.bus.emit("line", { li, known });
      return;
    }
    // Beyond what is on show: it comes when that part of the history is loaded.
    if (seq > this.last ? this.moreAfter : seq < this.first) return;
    this.place.keep(() => {
      if (nonce) this.pending(nonce)?.remove();
      this.#insert(li);
      this.arrange();
      fold(li);
      if (this.place.atEnd) this.#trim("start");
    });
    this.app.bus.emit("line", { li });
  }

  /** @param {Reaction} reaction @param {boolean} [mine]  ours, not confirmed: it has no rev */
  react(reaction, mine = false) {
    if (!mine) this.#missed?.push((timeline) => timeline.react(reaction));
    const li = this.#lines.get(reaction.seq);
    if (!li || (!mine && reaction.rev <= Number(li.dataset.rev))) return;
    if (!mine) li.dataset.rev = String(reaction.rev);
    this.place.keep(() => chose(li, reaction));
    reactions(li, this.app);
  }

  /**
   * While pages are on their way, changes of messages that aren't here yet are kept, and told again after.
   * @template T @param {() => Promise<T>} load @param {(loaded: T) => void} then
   */
  async loading(load, then) {
    this.#missed = [];
    try {
      const loaded = await load();
      const missed = this.#missed ?? [];
      this.#missed = null;
      then(loaded);
      for (const again of missed) again(this);
    } finally {
      this.#missed = null;
    }
  }

  /** Adds a page of older or newer messages. @param {ParentNode} page @param {"start" | "end"} at */
  extend(page, at) {
    const log = /** @type {HTMLElement | null} */ (page.querySelector(".log"));
    if (!log) return;
    this.place.keep(() => {
      for (const li of /** @type {HTMLElement[]} */ ([...log.querySelectorAll("li[data-seq]")])) {
        const known = this.#lines.get(Number(li.dataset.seq));
        if (known && Number(known.dataset.rev) >= Number(li.dataset.rev)) continue;
        known?.remove();
        this.#insert(li);
      }
      if (at === "start") this.moreBefore = log.dataset.moreBefore === "true";
      else this.moreAfter = log.dataset.moreAfter === "true";
      this.#trim(at === "start" ? "end" : "start");
      this.arrange();
      this.#real().forEach(fold);
    });
  }

  /** Shows another part of the history instead. @param {ParentNode} page */
  replace(page) {
    const log = /** @type {HTMLElement | null} */ (page.querySelector(".log"));
    if (!log) return;
    const waiting = [...this.log.querySelectorAll("li[data-pending]")];
    this.#lines.clear();
    this.log.replaceChildren(...log.children, ...waiting);
    this.moreBefore = log.dataset.moreBefore === "true";
    this.moreAfter = log.dataset.moreAfter === "true";
    for (const li of this.#real()) this.#learn(li);
    this.arrange();
    this.#real().forEach(fold);
  }

  /** The first unread message gets the "new" line above it. @param {number} seq @param {string} note */
  freshFrom(seq, note) {
    this.#fresh = { seq, note };
    this.arrange();
  }

  /** Days, groups and the "new" line, for all that is on show. */
  arrange() {
    let before = null;
    let fresh = this.#fresh.seq > 0;
    for (const li of /** @type {HTMLElement[]} */ ([...this.log.children])) {
      if (!("seq" in li.dataset) && !("pending" in li.dataset)) {
        li.remove();
        continue;
      }
      const line = {
        author: li.dataset.author ?? "",
        at: Number(li.dataset.at),
        system: li.dataset.kind === "system",
        reply: !!li.querySelector(":scope > .quoted"),
      };
      const { day: opens, follows } = placeOf(line, before);
      const isFresh = fresh && Number(li.dataset.seq) >= this.#fresh.seq;
      if (opens) li.before(el("li", { class: "day", "data-day": dayOf(line.at) }, el("time", {}, day(line.at))));
      if (isFresh) {
        fresh = false;
        li.before(el("li", { class: "fresh", id: "fresh" }, el("span", {}, t("new")), el("small", {}, this.#fresh.note)));
      }
      li.classList.toggle("more", follows && !isFresh);
      before = line;
    }
    this.box.querySelector(":scope > #opening")?.toggleAttribute("hidden", this.moreBefore);
  }

  #real() {
    return /** @type {HTMLElement[]} */ ([...this.log.querySelectorAll(":scope > li[data-seq]")]);
  }

  /** @param {HTMLElement} li */
  #learn(li) {
    this.#lines.set(Number(li.dataset.seq), li);
    dress(li, this.app);
  }

  /** @param {HTMLElement} li */
  #insert(li) {
    const seq = Number(li.dataset.seq);
    /** @type {Element | null} */
    let after = null;
    for (let at = this.log.lastElementChild; at; at = at.previousElementSibling) {
      const other = /** @type {HTMLElement} */ (at).dataset.seq;
      if (other && Number(other) < seq) {
        after = at;
        break;
      }
    }
    if (after) after.after(li);
    else this.log.prepend(li);
    this.#learn(li);
  }

  /** @param {"start" | "end"} from */
  #trim(from) {
    const over = this.#lines.size - AT_MOST;
    if (over <= 0) return;
    const seqs = [...this.#lines.keys()].sort((a, b) => a - b);
    for (const seq of from === "start" ? seqs.slice(0, over) : seqs.slice(-over)) {
      this.#lines.get(seq)?.remove();
      this.#lines.delete(seq);
    }
    if (from === "start") this.moreBefore = true;
    else this.moreAfter = true;
  }
}

/** @param {HTMLElement} li @param {Reaction} reaction */
function chose(li, { emoji, user, on }) {
  const body = li.querySelector(".body");
  if (!body || li.dataset.kind !== "text") return;
  let row = li.querySelector(".reactions");
  /** @type {HTMLElement | null | undefined} */
  let button = row?.querySelector(`button[data-emoji="${CSS.escape(emoji)}"]`);
  const users = new Set((button?.dataset.users ?? "").split(" ").filter(Boolean));
  if (on) users.add(user);
  else users.delete(user);
  if (users.size === 0) {
    button?.remove();
    if (row && !row.querySelector("button[data-emoji]")) row.remove();
    return;
  }
  if (!row) body.append((row = el("div", { class: "reactions" })));
  if (!button) {
    button = /** @type {HTMLElement} */ (el("button", { type: "button", "data-emoji": emoji }, el("span", { "aria-hidden": "true" }, emoji), el("span", { class: "num" })));
    const add = row?.querySelector(".add");
    if (add) add.before(button);
    else row?.append(button);
  }
  button.dataset.users = [...users].join(" ");
}
