// Who is who: names of people by id, as pages and frames bring them.
import { api } from "./api.js";

const HUES = 12;

/** The same as in `src/web/views.rs`. @param {string} id */
export function hue(id) {
  let sum = 7;
  for (const byte of new TextEncoder().encode(id)) sum = (sum * 31 + byte) % 65_521;
  return sum % HUES;
}

/** @param {string} name @returns {string} up to two letters */
export function initials(name) {
  const letters = name.split(/\s+/).map((word) => word.match(/[\p{L}\p{N}]/u)?.[0] ?? "");
  const known = letters.filter(Boolean);
  return known.length > 1 ? known[0] + known[known.length - 1] : (known[0] ?? "");
}

export class Names {
  /** @type {Map<string, string>} */ #known = new Map();
  /** @type {Map<string, Promise<string>>} */ #asked = new Map();
  /** @type {Map<string, string | null>} */ #pictures = new Map();

  /** @param {string} user @param {string | null | undefined} name */
  learn(user, name) {
    if (user && name) this.#known.set(user, name);
  }

  /** @param {string} user @param {string | null} picture */
  look(user, picture) {
    this.#pictures.set(user, picture);
  }

  /** The id of somebody's picture, null for none, undefined where that isn't known. @param {string} user */
  picture(user) {
    return this.#pictures.get(user);
  }

  /** @param {string} user @returns {string | undefined} */
  get(user) {
    return this.#known.get(user);
  }

  /** @param {string} user @returns {Promise<string>} */
  async of(user) {
    const known = this.#known.get(user);
    if (known) return known;
    let asked = this.#asked.get(user);
    if (!asked) {
      asked = api("GET", `/api/people/${user}`).then((person) => person.display, () => "");
      this.#asked.set(user, asked);
    }
    const name = await asked;
    this.#asked.delete(user);
    this.learn(user, name);
    return name;
  }

  /** Learns what a part of the page shows. @param {ParentNode} root */
  read(root) {
    for (const box of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".avatar[data-person], [data-person] > .avatar"))) {
      const user = /** @type {HTMLElement | null} */ (box.closest("[data-person]"))?.dataset.person ?? "";
      if (!this.#pictures.has(user)) this.#pictures.set(user, box.dataset.picture ?? null);
    }
    for (const button of root.querySelectorAll("button.author[data-person], button.plain[data-person]")) {
      this.learn(/** @type {HTMLElement} */ (button).dataset.person ?? "", button.textContent);
    }
    for (const row of root.querySelectorAll(".person-row[data-person]")) {
      this.learn(/** @type {HTMLElement} */ (row).dataset.person ?? "", row.querySelector("b")?.textContent);
    }
    for (const row of root.querySelectorAll(".room.person")) {
      const partner = /** @type {HTMLElement | null} */ (row.querySelector("[data-partner]"));
      if (partner) this.learn(partner.dataset.partner ?? "", row.querySelector(".label")?.textContent);
    }
  }
}
