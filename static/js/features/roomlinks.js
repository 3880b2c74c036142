// Rooms that a text names, as links: those that this reader knows. A message comes the same for all its readers, and who
// doesn't know a room sees its name as it was written.
import { el } from "../core/dom.js";

/**
 * @typedef {{ pattern: RegExp, ids: Map<string, string> }} Rooms  ids by lower-case names
 */

/** @param {Iterable<[id: string, name: string]>} rooms @returns {Rooms | null} */
export function roomsByName(rooms) {
  const ids = new Map([...rooms].filter(([, name]) => name).map(([id, name]) => /** @type {const} */ ([name.toLowerCase(), id])));
  if (!ids.size) return null;
  // The longest first: of "Press" and "Press room", what was meant.
  const names = [...ids.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return { pattern: new RegExp(`(?<=^|[\\s(])#(${names.join("|")})(?![\\p{L}\\p{N}_])`, "giu"), ids };
}

/** @param {HTMLElement} body @param {Rooms | null} rooms */
export function linkRooms(body, rooms) {
  if (!rooms || !body.textContent?.includes("#")) return;
  const walk = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement?.closest("a, code, pre, .mention")) texts.push(/** @type {Text} */ (walk.currentNode));
  for (const text of texts) {
    const source = text.data;
    const pieces = [];
    let done = 0;
    for (const found of source.matchAll(rooms.pattern)) {
      const id = rooms.ids.get(found[1].toLowerCase());
      pieces.push(source.slice(done, found.index), el("a", { class: "roomlink", href: `/rooms/${id}` }, found[0]));
      done = found.index + found[0].length;
    }
    if (pieces.length) text.replaceWith(...pieces, source.slice(done));
  }
}
