// One's own microphone, camera and screen: opened, changed, gated and closed. What is sent from each slot is told to the
// session, which hands it to all links; nothing here knows who listens.
import { Bus } from "../../core/bus.js";
import { Speech } from "../../core/speech.js";
import { choice, choose } from "./choice.js";
import { audio } from "./sound.js";

/**
 * What a person may send, each in a slot of its own.
 * @typedef {"microphone" | "camera" | "screen" | "sound"} Slot `sound`: that of the screen
 * @typedef {"refused" | "missing" | "busy" | "insecure"} Trouble
 */

/** @type {Slot[]} */
export const SLOTS = ["microphone", "camera", "screen", "sound"];
/** @type {Record<Slot, "audio" | "video">} */
export const KIND = { microphone: "audio", camera: "video", screen: "video", sound: "audio" };

/** Width, height and pictures a second that the camera is asked for. */
const PICTURES = { large: [1280, 720, 30], medium: [640, 480, 24], small: [320, 240, 15] };
const SCREEN_FPS = 15;

/** Whether this page may have devices at all: not without https. */
export const possible = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** @param {unknown} error @returns {Trouble} */
export function trouble(error) {
  if (!possible()) return "insecure";
  const { name = "" } = /** @type {Error} */ (error);
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "busy";
}

export class Media {
  /** `slot` when what is sent from one changed, `level` and `speaking` of the own voice, `trouble` of a device. */
  bus = new Bus();
  /** @type {Record<Slot, MediaStreamTrack | null>} */
  sent = { microphone: null, camera: null, screen: null, sound: null };
  /** The microphone as it is, whatever of it is sent. @type {MediaStreamTrack | null} */ #raw = null;
  /** @type {AudioNode[]} */ #watch = [];
  /** @type {Promise<unknown>} */ #turn = Promise.resolve();
  #speech = new Speech();
  #gate = new Speech({ starts: choice().loudness });
  #muted = true;
  #pushed = false;

  get muted() {
    return this.#muted;
  }

  get speaking() {
    return this.#speech.speaking;
  }

  /** Opens the microphone, or changes to the one chosen. @returns {Promise<void>} */
  microphone() {
    return this.#then(async () => {
      const { microphone, noise } = choice();
      const wanted = { echoCancellation: true, noiseSuppression: noise, autoGainControl: true };
      const track = await open("audio", microphone, wanted);
      this.#closeMicrophone();
      this.#raw = track;
      const sent = track.clone();
      track.addEventListener("ended", () => this.#raw === track && this.#lost("microphone"));
      this.#draw(sent);
      this.#put("microphone", sent);
      await this.#listen(track);
    });
  }

  /** @param {boolean} on @returns {Promise<void>} */
  camera(on) {
    return this.#then(async () => {
      if (!on) {
        this.#put("camera", null);
        return;
      }
      const { camera, picture } = choice();
      const [width, height, fps] = PICTURES[picture] ?? PICTURES.medium;
      const wanted = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
      const track = await open("video", camera, wanted);
      track.contentHint = "motion";
      track.addEventListener("ended", () => this.sent.camera === track && this.#lost("camera"));
      this.#put("camera", track);
    });
  }

  /** Sharing begins with a question of the browser's; answered with no, nothing happens. @param {boolean} on @returns {Promise<void>} */
  screen(on) {
    return this.#then(async () => {
      if (!on) {
        this.#put("screen", null);
        this.#put("sound", null);
        return;
      }
      // A film's sound is not a voice: nothing of it is to be taken away.
      const sound = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const wanted = { video: { frameRate: { ideal: SCREEN_FPS, max: 30 } }, audio: sound, systemAudio: "include", surfaceSwitching: "include" };
      const stream = await navigator.mediaDevices.getDisplayMedia(wanted);
      const [video] = stream.getVideoTracks();
      const [audio = null] = stream.getAudioTracks();
      video.contentHint = "detail";
      if (audio) audio.contentHint = "music";
      video.addEventListener("ended", () => this.sent.screen === video && this.screen(false));
      this.#put("screen", video);
      this.#put("sound", audio);
    });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#draw();
    if (muted && this.#speech.hush()) this.bus.emit("speaking", false);
  }

  /** The key to talk is down, or up again. @param {boolean} down */
  push(down) {
    this.#pushed = down;
    this.#draw();
  }

  /** What was chosen for the voice changed. */
  tune() {
    this.#gate = new Speech({ starts: choice().loudness });
    this.#draw();
  }

  /** Everything off, until opened again. */
  close() {
    this.#closeMicrophone();
    for (const slot of SLOTS) this.#put(slot, null);
  }

  #closeMicrophone() {
    for (const node of this.#watch) node.disconnect();
    this.#watch = [];
    this.#raw?.stop();
    this.#raw = null;
  }

  /** A device went away. For a microphone there may be another. @param {"microphone" | "camera"} which */
  #lost(which) {
    this.#put(which, null);
    this.bus.emit("lost", which);
    if (which === "microphone") {
      choose({ microphone: "" });
      this.microphone().catch(() => {});
    }
  }

  /** @param {MediaStreamTrack} track */
  async #listen(track) {
    const context = audio();
    try {
      await context.audioWorklet.addModule(new URL("./level.worklet.js", import.meta.url));
    } catch {
      // Without it one is heard, but no level is shown, and the voice can't open the microphone.
      return;
    }
    if (this.#raw !== track) return;
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
    const level = new AudioWorkletNode(context, "level");
    level.port.onmessage = ({ data }) => this.#heard(data);
    // Nothing comes out of it, but what leads nowhere isn't run.
    source.connect(level).connect(context.destination);
    this.#watch = [source, level];
  }

  /** @param {number} level */
  #heard(level) {
    const now = performance.now();
    if (this.#gate.take(level, now)) this.#draw();
    const open = this.sent.microphone?.enabled ?? false;
    const changed = open ? this.#speech.take(level, now) : this.#speech.hush();
    this.bus.emit("level", level);
    if (changed) this.bus.emit("speaking", this.#speech.speaking);
  }

  /** Opens or shuts what is sent of the microphone. */
  #draw(track = this.sent.microphone) {
    if (!track) return;
    const { talk } = choice();
    const open = talk === "push" ? this.#pushed : talk === "voice" ? this.#gate.speaking : true;
    track.enabled = open && !this.#muted;
  }

  /** @param {Slot} slot @param {MediaStreamTrack | null} track */
  #put(slot, track) {
    const old = this.sent[slot];
    if (old === track) return;
    this.sent[slot] = track;
    this.bus.emit("slot", slot);
    old?.stop();
  }

  /** One thing at a time, so that a switch pressed twice ends where it should. @param {() => Promise<void>} what @returns {Promise<void>} */
  #then(what) {
    const run = this.#turn.then(what);
    this.#turn = run.catch(() => {});
    return run;
  }
}

/**
 * Of the device that was chosen if it is still there, else of the system's own. It is asked for by name: of one that is
 * merely preferred, browsers may give another.
 * @param {"audio" | "video"} kind @param {string} id @param {MediaTrackConstraints} wanted @returns {Promise<MediaStreamTrack>}
 */
async function open(kind, id, wanted) {
  if (!possible()) throw new DOMException("no devices without https", "SecurityError");
  const ask = async (/** @type {MediaTrackConstraints} */ more) => (await navigator.mediaDevices.getUserMedia({ [kind]: { ...wanted, ...more } })).getTracks()[0];
  if (!id) return ask({});
  return ask({ deviceId: { exact: id } }).catch((error) => {
    if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
    return ask({});
  });
}

/** @returns {Promise<Record<"camera" | "microphone" | "speaker", MediaDeviceInfo[]>>} */
export async function devices() {
  const all = possible() ? await navigator.mediaDevices.enumerateDevices() : [];
  const of = (/** @type {string} */ kind) => all.filter((one) => one.kind === kind && one.deviceId);
  return { camera: of("videoinput"), microphone: of("audioinput"), speaker: of("audiooutput") };
}
