// The tiles of the stage: a person, a screen, or somebody who is being called. They stay where they are in the document,
// so that no picture stops; where they stand on the stage is the style sheet's.
import { el, find, icon, tool } from "../../core/dom.js";
import { hue, initials } from "../../core/names.js";
import { t } from "../../core/text.js";

/**
 * @typedef {{ key: string, kind: "person" | "screen" | "rung", peer: string, user: string, name: string, own: boolean,
 *   video: MediaStreamTrack | null, muted: boolean, deafened: boolean, hand: boolean, speaking: boolean, grade: number | null, state: string }} Seen
 * `state`: words about what is not as it should be; may be empty. `grade`: see `figures.js`, null where there is none.
 */

export class Tiles {
  /** @type {Map<string, HTMLElement>} */ #all = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
  }

  /** @param {Seen[]} seen in the order of the stage @param {string | null} front the one to be large */
  draw(seen, front) {
    const keys = new Set(seen.map(({ key }) => key));
    for (const [key, tile] of this.#all) {
      if (keys.has(key)) continue;
      tile.remove();
      this.#all.delete(key);
    }
    for (const one of seen) {
      const known = this.#all.get(one.key);
      const tile = known ?? make(one);
      if (!known) {
        this.#all.set(one.key, tile);
        this.list.append(tile);
      }
      fill(tile, one);
      tile.classList.toggle("front", one.key === front);
    }
    // Later ones only move up, by the order that the style sheet reads.
    seen.forEach((one, i) => this.#all.get(one.key)?.style.setProperty("order", String(i)));
  }

  /** @param {string} peer @param {boolean} on */
  speak(peer, on) {
    const tile = this.#all.get(`person:${peer}`);
    if (!tile) return;
    tile.toggleAttribute("data-speaking", on);
    find(".says", tile).textContent = on ? t("speaking") : "";
  }
}

/** @param {Seen} one @returns {HTMLElement} */
function make({ key, kind, peer, user, own }) {
  const tile = el("li", { class: `tile ${kind}`, "data-key": key, "data-peer": peer, "data-user": user, ...(own && { "data-own": true }) });
  const video = el("video", { playsinline: true, autoplay: true, hidden: true, tabindex: "-1" });
  video.muted = true;
  tile.append(video);
  if (kind !== "screen") tile.append(el("span", { class: "avatar xl", "data-hue": String(hue(user)), "aria-hidden": "true" }));
  tile.append(el("span", { class: "tag-name" }, el("span", { class: "marks" }), el("span", { class: "who", dir: "auto" }), el("span", { class: "sr says" })));
  tile.append(el("span", { class: "corner", hidden: true }, icon("hand"), el("span", { class: "sr" }, t("hand_raised"))));
  tile.append(el("p", { class: "state", hidden: true }));
  if (kind !== "rung") {
    const more = tool("more", "", { class: "tool more", "data-tile-menu": key, "aria-haspopup": "true" });
    tile.append(more);
  }
  return tile;
}

/** @param {HTMLElement} tile @param {Seen} one */
function fill(tile, one) {
  const video = find("video", tile);
  if (video.hidden !== !one.video) video.hidden = !one.video;
  if (one.video && video.srcObject?.getVideoTracks()[0] !== one.video) {
    video.srcObject = new MediaStream([one.video]);
    video.play().catch(() => {});
  } else if (!one.video && video.srcObject) video.srcObject = null;
  const avatar = find(".avatar", tile);
  if (avatar) {
    avatar.hidden = Boolean(one.video);
    avatar.textContent = initials(one.name);
  }
  const name = one.kind === "screen" ? t(one.own ? "own_screen" : "screen_of", { who: one.name }) : one.own ? t("name_you", { who: one.name }) : one.name;
  const who = find(".who", tile);
  if (who.textContent !== name) {
    who.textContent = name;
    const more = find(".more", tile);
    if (more) {
      more.setAttribute("aria-label", t("tile_menu", { who: name }));
      more.title = t("more");
    }
  }
  marks(find(".marks", tile), one);
  tile.toggleAttribute("data-speaking", one.speaking && one.kind === "person");
  find(".says", tile).textContent = one.speaking && one.kind === "person" ? t("speaking") : "";
  find(".corner", tile).hidden = !one.hand || one.kind !== "person";
  const state = find(".state", tile);
  state.hidden = !one.state;
  if (state.textContent !== one.state) state.textContent = one.state;
}

/** @param {HTMLElement} box @param {Seen} one */
function marks(box, { kind, muted, deafened, grade }) {
  /** @type {[string, string][]} */
  const wanted = [];
  if (kind === "screen") wanted.push(["screen", ""]);
  else {
    if (muted && kind === "person") wanted.push(["mic-off", t("muted")]);
    if (deafened) wanted.push(["headset-off", t("deafened")]);
    if (grade !== null && grade < 3 && grade > 0) wanted.push(["signal", t(grade === 1 ? "signal_poor" : "signal_fair")]);
  }
  const now = wanted.map(([name]) => name).join(" ");
  if (box.dataset.is === now) return;
  box.dataset.is = now;
  box.replaceChildren(...wanted.flatMap(([name, words]) => [icon(name, name === "mic-off" || name === "headset-off" ? "small muted" : "small"), ...(words ? [el("span", { class: "sr" }, words)] : [])]));
}
