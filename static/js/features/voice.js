// Voice messages: one player for all, which goes on while one scrolls and moves between rooms.
import { el, find, icon, tool } from "../core/dom.js";
import { t } from "../core/text.js";
import { minutes } from "../core/waveform.js";
import { toast } from "./toasts.js";

const RATES = [1, 1.5, 2];
/** How the listener likes it, kept in this browser. */
const KEY = "parlor.rate";
/** What the arrow keys move by, in seconds. */
const STEP = 5;

/** @typedef {import("./app.js").App} App */

/** @type {Player | null} */
let only = null;

/** Puts the player's controls into a voice message. @param {HTMLElement} box @param {App} app */
export function place(box, app) {
  const length = Number(box.dataset.duration) / 1000;
  find("audio", box)?.remove();
  const play = el("button", { class: "play", type: "button" }, icon("play"));
  const wave = find(".wave", box);
  const slider = el("div", { class: "seek", role: "slider", tabindex: "0", "aria-label": t("position"), "aria-valuemin": "0", "aria-valuemax": String(Math.round(length)) });
  wave.replaceWith(slider);
  slider.append(wave);
  const time = find("time", box);
  const rate = el("button", { class: "rate", type: "button" });
  box.prepend(play);
  time.after(rate);
  const player = (only ??= new Player(app));
  play.addEventListener("click", () => player.toggle(box));
  rate.addEventListener("click", () => player.faster());
  slider.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const { left, width } = slider.getBoundingClientRect();
    const part = (event.clientX - left) / width;
    player.seek(box, length * (getComputedStyle(slider).direction === "rtl" ? 1 - part : part));
  });
  slider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    player.seek(box, Math.min(length, Math.max(0, player.at(box) + step)));
  });
  player.draw(box);
}

class Player {
  #audio = new Audio();
  /** @type {{ id: string, url: string, length: number, who: string } | null} */ #track = null;
  #rate;
  #strip;
  #seen = false;
  #watch;

  /** @param {App} app */
  constructor(app) {
    this.app = app;
    const kept = Number(localStorage.getItem(KEY));
    this.#rate = RATES.includes(kept) ? kept : 1;
    this.#audio.preload = "auto";
    for (const name of ["play", "pause", "timeupdate", "ended"]) this.#audio.addEventListener(name, () => this.#changed());
    this.#audio.addEventListener("play", () => {
      for (const other of document.querySelectorAll("video, audio")) /** @type {HTMLMediaElement} */ (other).pause();
    });
    document.addEventListener("play", () => this.#audio.pause(), true);
    this.#audio.addEventListener("error", () => this.#track && toast(t("not_played")));
    this.#watch = new IntersectionObserver((entries) => {
      this.#seen = entries[entries.length - 1].isIntersecting;
      this.#draw();
    });
    this.#strip = new Strip(() => this.toggle(), () => this.faster(), () => this.stop());
    app.bus.on("shown", () => this.#changed());
  }

  /** Where this message stands, in seconds. @param {HTMLElement} box */
  at(box) {
    return box.dataset.file === this.#track?.id ? this.#audio.currentTime : 0;
  }

  /** @param {HTMLElement} [box]  the one under way when none is named */
  toggle(box) {
    if (box && box.dataset.file !== this.#track?.id) this.#load(box);
    if (this.#audio.paused) this.#play();
    else this.#audio.pause();
  }

  /** @param {HTMLElement} box @param {number} seconds */
  async seek(box, seconds) {
    const other = box.dataset.file !== this.#track?.id;
    if (other) this.#load(box);
    await this.#measured();
    this.#audio.currentTime = seconds;
    if (other) this.#play();
    this.#changed();
  }

  faster() {
    this.#rate = RATES[(RATES.indexOf(this.#rate) + 1) % RATES.length];
    localStorage.setItem(KEY, String(this.#rate));
    this.#audio.playbackRate = this.#rate;
    this.#changed();
  }

  stop() {
    this.#audio.pause();
    this.#track = null;
    this.#audio.removeAttribute("src");
    this.#changed();
  }

  /** @param {HTMLElement} box */
  draw(box) {
    const mine = box.dataset.file === this.#track?.id;
    const length = Number(box.dataset.duration) / 1000;
    const at = mine ? this.#audio.currentTime : 0;
    const playing = mine && !this.#audio.paused;
    const play = find(".play", box);
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.setAttribute("aria-label", t(playing ? "pause_voice" : "play_voice", { length: minutes(Math.round(length)) }));
    const bars = box.querySelectorAll(".wave rect");
    bars.forEach((bar, i) => bar.classList.toggle("heard", mine && i < (at / (length || 1)) * bars.length));
    const slider = find(".seek", box);
    slider.setAttribute("aria-valuenow", String(Math.round(at)));
    slider.setAttribute("aria-valuetext", t("at_of", { at: minutes(at), length: minutes(Math.round(length)) }));
    find("time", box).textContent = minutes(mine && at > 0 ? at : Math.round(length));
    const rate = find(".rate", box);
    rate.textContent = `${this.#rate}×`;
    rate.setAttribute("aria-label", t("rate", { rate: this.#rate }));
  }

  /** @param {HTMLElement} box */
  #load(box) {
    const { file: id = "", url = "", duration } = box.dataset;
    const who = box.closest("li")?.querySelector(".author")?.textContent ?? "";
    this.#track = { id, url, length: Number(duration) / 1000, who };
    this.#audio.src = url;
    this.#audio.playbackRate = this.#rate;
    this.#watch.disconnect();
    this.#watch.observe(box);
  }

  async #play() {
    this.#audio.playbackRate = this.#rate;
    // At its end it begins again.
    if (this.#audio.ended) this.#audio.currentTime = 0;
    await this.#audio.play().catch(() => {});
  }

  /** What browsers record doesn't say how long it is: a look at its far end finds out, and makes it seekable. */
  async #measured() {
    const audio = this.#audio;
    const heard = (/** @type {string} */ name) => new Promise((done) => {
      audio.addEventListener(name, done, { once: true });
      audio.addEventListener("error", done, { once: true });
    });
    if (audio.readyState < 1) await heard("loadedmetadata");
    if (audio.duration !== Infinity) return;
    audio.currentTime = Number.MAX_SAFE_INTEGER;
    await heard("durationchange");
  }

  #changed() {
    for (const box of document.querySelectorAll(".voice:has(.play)")) this.draw(/** @type {HTMLElement} */ (box));
    const box = this.#track && document.querySelector(`.voice[data-file="${CSS.escape(this.#track.id)}"]`);
    this.#watch.disconnect();
    if (box) this.#watch.observe(box);
    else this.#seen = false;
    this.#draw();
  }

  #draw() {
    const main = find("main");
    const hidden = !this.#track || this.#seen || !main || (this.#audio.paused && this.#audio.currentTime === 0);
    if (hidden) {
      this.#strip.box.remove();
      return;
    }
    const { who, length } = /** @type {{ who: string, length: number }} */ (this.#track);
    if (!main.contains(this.#strip.box)) find(".bar", main)?.after(this.#strip.box);
    this.#strip.draw({ who, playing: !this.#audio.paused, at: this.#audio.currentTime, length, rate: this.#rate });
  }
}

/** The player where the message isn't in view. */
class Strip {
  #play = el("button", { class: "tool", type: "button" });
  #rate = el("button", { class: "rate", type: "button" });
  #who = el("bdi");
  #time = el("span", { class: "num" });

  /** @param {() => void} toggle @param {() => void} faster @param {() => void} stop */
  constructor(toggle, faster, stop) {
    const away = tool("close", t("close"));
    this.#play.addEventListener("click", toggle);
    this.#rate.addEventListener("click", faster);
    away.addEventListener("click", stop);
    this.box = el("div", { class: "nowplaying", role: "group", "aria-label": t("voice_message") }, this.#play, el("b", {}, this.#who), this.#time, this.#rate, away);
  }

  /** @param {{ who: string, playing: boolean, at: number, length: number, rate: number }} state */
  draw({ who, playing, at, length, rate }) {
    const name = playing ? "pause" : "play";
    if (this.#play.dataset.is !== name) {
      this.#play.dataset.is = name;
      this.#play.replaceChildren(icon(name));
      this.#play.setAttribute("aria-label", t(playing ? "pause_voice" : "play_voice", { length: minutes(Math.round(length)) }));
    }
    this.#who.textContent = who;
    this.#time.textContent = `${minutes(at)} / ${minutes(Math.round(length))}`;
    this.#rate.textContent = `${rate}×`;
    this.#rate.setAttribute("aria-label", t("rate", { rate }));
  }
}
