// Recording a voice message: one sees that one is heard, listens to it, and only then sends it.
import { el, find, icon, tool } from "../core/dom.js";
import { Parcel } from "../core/parcel.js";
import { sheet } from "../core/sheet.js";
import { size } from "../core/size.js";
import { t } from "../core/text.js";
import { loudness, minutes, peaks } from "../core/waveform.js";
import { toast } from "./toasts.js";
import { uploadOf } from "./transfer.js";
import { limitsOf } from "./tray.js";
import { underway } from "./underway.js";

/**
 * How often loudness is taken, in milliseconds, and over how many samples: 85 ms of 48 kHz, so that no sound falls
 * between two ticks. How many are on show, after how many it is said anew, and the longest message, in seconds.
 */
const TICK_MS = 50;
const SAMPLES = 4096;
const SAID_EVERY = 10;
const ON_SHOW = 240;
const LONGEST = 15 * 60;
/** What browsers can record, the best first. */
const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
/** Speech, bits a second. */
const BITS = 32_000;

/** @param {import("./composer.js").Composer} composer */
export async function record(composer) {
  if (find(".recorder", composer.form)) return;
  const kind = globalThis.MediaRecorder && KINDS.find((one) => MediaRecorder.isTypeSupported(one));
  if (!kind || !navigator.mediaDevices) {
    toast(t("cannot_record"));
    return;
  }
  await sheet("tray");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  } catch (error) {
    toast(t(/** @type {Error} */ (error).name === "NotFoundError" ? "no_microphone" : "microphone_denied"));
    return;
  }
  if (composer.room.signal.aborted) for (const track of stream.getTracks()) track.stop();
  else new Recorder(composer, stream, kind);
}

/** Loudness as it is felt, by its root: quiet speech shows too. 0 to 100. @param {number} level */
const felt = (level) => Math.round(Math.min(1, Math.sqrt(level) * 1.4) * 100);

class Recorder {
  /** @type {number[]} */ #levels = [];
  /** @type {Blob[]} */ #parts = [];
  #began = performance.now();
  #length = 0;
  #clock = el("time", { class: "num", role: "timer" }, "0:00");
  #level = el("div", { class: "level", role: "meter", "aria-label": t("level"), "aria-valuemin": "0", "aria-valuemax": "100" });
  /** @type {any} */ #timer = 0;
  #over = new AbortController();
  #wanted = true;

  /** @param {import("./composer.js").Composer} composer @param {MediaStream} stream @param {string} kind */
  constructor(composer, stream, kind) {
    this.composer = composer;
    this.stream = stream;
    this.kind = kind;
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = SAMPLES;
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    this.media = new MediaRecorder(stream, { mimeType: kind, audioBitsPerSecond: BITS });
    this.media.ondataavailable = ({ data }) => data.size && this.#parts.push(data);
    this.media.onstop = () => this.#stopped();
    for (let i = 0; i < ON_SHOW; i++) this.#level.append(el("i"));
    const stop = tool("stop", t("stop_recording"), { class: "tool stop" });
    stop.addEventListener("click", () => this.#stop(true));
    const away = tool("trash", t("discard"));
    away.addEventListener("click", () => this.#stop(false));
    this.box = el("div", { class: "recorder", role: "group", "aria-label": t("voice_message") }, away, el("span", { class: "dot", "aria-hidden": "true" }), this.#clock, this.#level, stop);
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.#stop(false);
    });
    composer.room.signal.addEventListener("abort", () => this.#stop(false), { signal: this.#over.signal });
    const place = find(".composer", composer.form);
    place.append(this.box);
    place.toggleAttribute("data-recording", true);
    this.media.start(1000);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    stop.focus();
  }

  #tick() {
    const samples = new Float32Array(SAMPLES);
    this.analyser.getFloatTimeDomainData(samples);
    const level = loudness(samples);
    this.#levels.push(level);
    const seconds = (performance.now() - this.#began) / 1000;
    this.#clock.textContent = minutes(seconds);
    const high = felt(level);
    const bar = this.#level.firstElementChild;
    bar.style.blockSize = `${Math.max(8, high)}%`;
    this.#level.append(bar);
    if (this.#levels.length % SAID_EVERY === 0) {
      this.#level.setAttribute("aria-valuenow", String(felt(Math.max(...this.#levels.slice(-SAID_EVERY)))));
    }
    if (seconds >= LONGEST) this.#stop(true);
  }

  /** @param {boolean} wanted  whether one listens to it next */
  #stop(wanted) {
    this.#wanted = wanted;
    clearInterval(this.#timer);
    if (!this.#length) this.#length = Math.round(performance.now() - this.#began);
    if (this.media.state === "inactive") this.#leave();
    else this.media.stop();
  }

  #stopped() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
    if (this.#wanted && this.#parts.length) this.#listen();
    else this.#leave();
  }

  #listen() {
    const blob = new Blob(this.#parts, { type: this.kind.split(";")[0] });
    const bars = peaks(this.#levels);
    const url = URL.createObjectURL(blob);
    const audio = new Audio(url);
    this.#over.signal.addEventListener("abort", () => {
      audio.pause();
      URL.revokeObjectURL(url);
    });
    const length = minutes(this.#length / 1000);
    const play = tool("play", t("listen"), { class: "tool listen" });
    const draw = () => {
      play.replaceChildren(icon(audio.paused ? "play" : "pause"));
      this.#clock.textContent = audio.paused && !audio.currentTime ? length : minutes(audio.currentTime);
      const heard = (audio.currentTime * 1000) / this.#length;
      [...this.#level.children].forEach((bar, i, { length: count }) => bar.toggleAttribute("data-heard", i < heard * count));
    };
    for (const name of ["play", "pause", "timeupdate", "ended"]) audio.addEventListener(name, draw);
    play.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
    const away = tool("trash", t("discard"));
    away.addEventListener("click", () => this.#leave());
    const send = el("button", { class: "send", type: "button", "aria-label": t("send_voice"), title: t("send_voice") }, icon("send"));
    send.addEventListener("click", () => this.#send(blob, bars));
    this.#level.setAttribute("role", "img");
    this.#level.setAttribute("aria-label", t("voice_of", { length }));
    for (const name of ["aria-valuemin", "aria-valuemax", "aria-valuenow"]) this.#level.removeAttribute(name);
    this.#level.replaceChildren(...bars.map((high) => {
      const bar = el("i");
      bar.style.blockSize = `${Math.max(8, high)}%`;
      return bar;
    }));
    this.#clock.removeAttribute("role");
    this.box.replaceChildren(away, play, this.#level, this.#clock, send);
    this.box.dataset.made = "";
    draw();
    send.focus();
  }

  /** @param {Blob} blob @param {number[]} bars */
  #send(blob, bars) {
    const { app, room, form } = this.composer;
    const limits = limitsOf(form);
    const name = `voice-${new Date(Date.now()).toISOString().slice(0, 16).replace(/[:T]/g, "-")}.${blob.type.split("/")[1]}`;
    const parcel = new Parcel();
    const { added: [item] } = parcel.add([{ name, size: blob.size, type: blob.type }], limits);
    if (!item) {
      toast(t("upload_large", { name: t("voice_message"), max: size(limits.file) }));
      return;
    }
    const what = { name, type: blob.type, size: blob.size, voice: { duration: this.#length, peaks: bars } };
    item.upload = uploadOf(blob, what, () => underway(app).changed(item));
    underway(app).send({ type: "message", room: room.id, text: "", ...this.composer.answering() }, parcel);
    app.bus.emit("newest");
    this.#leave();
  }

  #leave() {
    this.#over.abort();
    const place = this.box.parentElement;
    this.box.remove();
    place?.removeAttribute("data-recording");
    if (!this.composer.room.signal.aborted) this.composer.focus();
  }
}
