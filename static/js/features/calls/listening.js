// What is heard of the others: an audio element for each voice and each shared screen's sound, out of sight.
import { el } from "../../core/dom.js";
import { choice } from "./choice.js";

export class Listening {
  /** @type {Map<string, Map<string, HTMLAudioElement>>} by peer and slot */ #all = new Map();
  /** @type {Map<string, number>} */ #volumes = new Map();
  #box = el("div", { hidden: true });
  #deaf = false;
  /** Whether the browser holds sound back until the page is touched. */
  blocked = false;

  constructor() {
    document.body.append(this.#box);
  }

  /** @param {string} peer @param {string} slot @param {MediaStreamTrack} track */
  add(peer, slot, track) {
    let own = this.#all.get(peer);
    if (!own) this.#all.set(peer, (own = new Map()));
    /** @type {HTMLAudioElement} */
    const audio = own.get(slot) ?? el("audio", { autoplay: true });
    own.set(slot, audio);
    this.#box.append(audio);
    audio.srcObject = new MediaStream([track]);
    audio.volume = this.#volumes.get(peer) ?? 1;
    audio.muted = this.#deaf;
    sink(audio, choice().speaker);
    this.#start(audio);
  }

  /** @param {string} peer @param {number} volume 0 to 1 */
  hear(peer, volume) {
    this.#volumes.set(peer, volume);
    for (const audio of this.#all.get(peer)?.values() ?? []) audio.volume = volume;
  }

  /** @param {boolean} deaf */
  deafen(deaf) {
    this.#deaf = deaf;
    for (const audio of this.#every()) audio.muted = deaf;
  }

  /** @param {string} speaker id of a device, empty for the system's own */
  through(speaker) {
    for (const audio of this.#every()) sink(audio, speaker);
  }

  play() {
    this.blocked = false;
    for (const audio of this.#every()) this.#start(audio);
  }

  /** @param {string} peer */
  forget(peer) {
    for (const audio of this.#all.get(peer)?.values() ?? []) {
      audio.srcObject = null;
      audio.remove();
    }
    this.#all.delete(peer);
  }

  end() {
    for (const peer of [...this.#all.keys()]) this.forget(peer);
    this.#box.remove();
  }

  #every() {
    return [...this.#all.values()].flatMap((own) => [...own.values()]);
  }

  /** @param {HTMLAudioElement} audio */
  #start(audio) {
    audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.blocked = true;
    });
  }
}

/** Not every browser lets one choose; one that is gone is the system's own. @param {HTMLAudioElement} audio @param {string} speaker */
function sink(audio, speaker) {
  if (!audio.setSinkId || audio.sinkId === speaker) return;
  audio.setSinkId(speaker).catch(() => {});
}
