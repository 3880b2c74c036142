// What the room list knows of a room: how one calls it, and its kind.
import { find } from "../../core/dom.js";

/** @param {string} room @returns {HTMLElement | null} */
export const rowOf = (room) => find(`#rail .room[data-room="${CSS.escape(room)}"]`);

/** @param {string} room @returns {string} empty where it isn't one's own */
export const roomName = (room) => rowOf(room)?.querySelector(".label")?.textContent ?? "";

/** @param {string} room */
export const roomKind = (room) => rowOf(room)?.dataset.kind ?? "";
