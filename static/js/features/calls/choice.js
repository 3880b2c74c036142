// What one chose for calls, kept in this browser: devices, and how one wants to be heard and seen.
const KEY = "parlor.calls";

/**
 * @typedef {{
 *   camera: string, microphone: string, speaker: string,
 *   muted: boolean, seen: boolean,
 *   noise: boolean, talk: "open" | "voice" | "push", loudness: number, key: string,
 *   relay: boolean, picture: "large" | "medium" | "small", layout: "grid" | "speaker",
 *   volumes: Record<string, number>, known: boolean,
 * }} Choice
 * `camera`, `microphone`, `speaker`: ids of devices, empty for the system's own. `muted`, `seen`: how one came into the
 * last call. `talk`: when the microphone is open; `loudness` (0 to 1) opens it by voice, `key` (a `KeyboardEvent.code`)
 * by hand. `relay`: media goes by way of the server alone. `volumes`: of people, by id, 0 to 1. `known`: whether one has
 * been in a call from here before.
 */

/** @type {Choice} */
const FIRST = {
  camera: "", microphone: "", speaker: "", muted: false, seen: false, noise: true, talk: "open", loudness: 0.02,
  key: "Space", relay: false, picture: "medium", layout: "grid", volumes: {}, known: false,
};

/** Volumes of this many people are kept. */
const VOLUMES_AT_MOST = 200;

/** @returns {Choice} */
export function choice() {
  try {
    return { ...FIRST, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { ...FIRST };
  }
}

/** @param {Partial<Choice>} change */
export function choose(change) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...choice(), ...change }));
  } catch {
    // Nothing may be kept here: it holds for this call alone.
  }
}

/** @param {string} user @param {number} volume */
export function chooseVolume(user, volume) {
  const { [user]: _, ...others } = choice().volumes;
  const volumes = Object.fromEntries([...Object.entries(others), [user, volume]].slice(-VOLUMES_AT_MOST));
  choose({ volumes });
}
