// It rings: who calls, and from where; accept, with the camera or without, or decline. It ends by itself when one answers
// on another device, when the caller gives up, or when time runs out: the roster says so.
import { el, icon } from "../../core/dom.js";
import { hue, initials } from "../../core/names.js";
import { t } from "../../core/text.js";
import { ring as sound } from "./sound.js";
import { roomKind, roomName } from "./places.js";

export class Ringing {
  #app;
  #phone;
  /** @type {Map<string, { box: HTMLDialogElement, hush: () => void }>} by call */ #all = new Map();

  /** @param {import("../app.js").App} app @param {() => Promise<import("./phone.js").Phone>} phone */
  constructor(app, phone) {
    this.#app = app;
    this.#phone = phone;
  }

  /** Shows those that ring, and no others. @param {import("../../core/rosters.js").Roster[]} rosters */
  show(rosters) {
    const ringing = new Set(rosters.map(({ call }) => call));
    for (const [call, { box, hush }] of this.#all) {
      if (ringing.has(call)) continue;
      this.#all.delete(call);
      hush();
      box.close();
    }
    for (const roster of rosters) if (!this.#all.has(roster.call)) this.#ring(roster);
  }

  /** @param {import("../../core/rosters.js").Roster} roster */
  #ring({ room, call, by }) {
    const app = this.#app;
    const title = el("h2", { id: `ring-${call}`, dir: "auto", tabindex: "-1" });
    const face = el("span", { class: "avatar xl", "data-hue": String(hue(by)), "data-speaking": true, "aria-hidden": "true" });
    const draw = (/** @type {string} */ who) => {
      title.textContent = t("calls_you", { who });
      face.textContent = initials(who);
    };
    draw(app.names.get(by) ?? t("somebody"));
    app.names.of(by).then((who) => who && draw(who));
    const place = roomKind(room) === "direct" ? "" : roomName(room);
    const button = (/** @type {string} */ kind, /** @type {string} */ glyph, /** @type {string} */ words, /** @type {string} */ does) => el("button", { class: `button ${kind}`, type: "button", "data-answer": does }, icon(glyph), words);
    const box = el(
      "dialog", { class: "dialog ringing", "aria-labelledby": title.id },
      face, title, el("p", { dir: "auto" }, place),
      el("div", { class: "ends" }, button("danger", "leave", t("decline"), "no"), button("", "video", t("accept_seen"), "seen"), button("primary", "phone", t("accept"), "yes")),
    );
    const decide = async (/** @type {string} */ answer) => {
      hush();
      box.close();
      const phone = await this.#phone();
      if (answer === "no") phone.decline(room, call);
      else phone.answer(room, answer === "seen");
    };
    box.addEventListener("click", (/** @type {Event} */ event) => {
      const answer = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest("[data-answer]")) : null;
      if (answer) decide(answer.dataset.answer ?? "");
    });
    // Escape is a no to the noise, not to the caller.
    box.addEventListener("cancel", () => hush());
    box.addEventListener("close", () => {
      hush();
      box.remove();
    });
    const hush = sound(true);
    this.#all.set(call, { box, hush });
    document.body.append(box);
    box.showModal();
    // Not at a button: who is writing would accept with the next key.
    title.focus();
  }
}
