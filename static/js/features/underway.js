// Messages that were sent before their files were up: shown at once, and handed on when all is there.
import { el, icon } from "../core/dom.js";
import { nonce } from "../core/nonce.js";
import { say, t } from "../core/text.js";
import { bubble } from "./pending.js";
import { sketch } from "./attachments.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("../core/parcel.js").Parcel} Parcel
 * @typedef {{ key: string, at: number, letter: any, parcel: Parcel, li: HTMLElement | null }} Letter
 */

/** @type {Underway | null} */
let only = null;

/** @param {App} app */
export const underway = (app) => (only ??= new Underway(app));

class Underway {
  /** @type {Letter[]} */ #letters = [];

  /** @param {App} app */
  constructor(app) {
    this.app = app;
    app.bus.on("shown", () => this.#show());
    addEventListener("beforeunload", (event) => this.#letters.length && event.preventDefault());
  }

  /** @param {any} letter @param {Parcel} parcel */
  send(letter, parcel) {
    const one = { key: `up-${nonce()}`, at: Date.now(), letter, parcel, li: null };
    this.#letters.push(one);
    this.#show();
    this.pump();
    this.#settle(one);
  }

  /** An upload of a file got further. @param {import("../core/parcel.js").Item} item */
  changed(item) {
    const one = this.#letters.find(({ parcel }) => parcel.items.includes(item));
    if (one) this.#settle(one);
  }

  pump() {
    for (const { parcel } of this.#letters) parcel.pump();
  }

  /** @param {Letter} one */
  #settle(one) {
    if (!one.parcel.ready) {
      this.#draw(one);
      return;
    }
    this.#drop(one);
    const { files } = one.parcel;
    this.app.outbox.add({ ...one.letter, files: files.map(({ id }) => id) }, { files });
  }

  /** @param {Letter} one */
  #drop(one) {
    this.#letters.splice(this.#letters.indexOf(one), 1);
    const { room } = this.app;
    if (one.li?.isConnected && room) room.timeline.place.keep(() => one.li?.remove());
  }

  #show() {
    const { room } = this.app;
    if (!room) return;
    for (const one of this.#letters) {
      if (one.letter.room !== room.id || one.li?.isConnected) continue;
      const li = (one.li = bubble({ nonce: one.key, at: one.at, change: one.letter }, this.app));
      li.querySelector(".text")?.after(sketch(one.parcel.items));
      room.timeline.place.keep(() => {
        room.timeline.log.append(li);
        room.timeline.arrange();
      });
      this.#draw(one);
    }
  }

  /** @param {Letter} one */
  #draw(one) {
    const status = /** @type {HTMLElement | null | undefined} */ (one.li?.querySelector(".status"));
    if (!one.li || !status) return;
    const { failed, part } = one.parcel;
    one.li.dataset.state = failed ? "failed" : "pending";
    const words = failed ? t("not_uploaded") : t("upload_part", { n: Math.round(part * 100) });
    const known = status.querySelector("span");
    if (known && status.dataset.was === String(failed)) {
      known.textContent = words;
      status.querySelector("[role=progressbar]")?.setAttribute("aria-valuenow", String(Math.round(part * 100)));
      return;
    }
    status.dataset.was = String(failed);
    const away = el("button", { type: "button" }, t(failed ? "discard" : "cancel"));
    away.addEventListener("click", () => {
      for (const { upload } of one.parcel.items) upload?.cancel();
      this.#drop(one);
    });
    const again = el("button", { type: "button" }, t("try_again"));
    again.addEventListener("click", () => {
      for (const { upload } of one.parcel.items) upload?.start();
    });
    const why = say(one.parcel.items.find(({ upload }) => upload?.error)?.upload?.error);
    if (failed) {
      status.dataset.is = "failed";
      status.setAttribute("role", "alert");
      status.replaceChildren(icon("alert", "small"), el("span", {}, words), why, again, away);
    } else {
      delete status.dataset.is;
      status.removeAttribute("role");
      status.replaceChildren(icon("ring", "small ring"), el("span", { role: "progressbar", "aria-label": t("uploading_files"), "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" }, words), away);
    }
  }
}
