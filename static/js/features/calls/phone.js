// All that one does with calls: look into the mirror before, step in, be in one, move between rooms meanwhile, leave.
// Fetched when the first call comes up. What is drawn stands in the files beside this one.
import { Attendance } from "../../core/attendance.js";
import { nonce } from "../../core/nonce.js";
import { t } from "../../core/text.js";
import { toast } from "../toasts.js";
import { Call } from "./call.js";
import { choice, choose } from "./choice.js";
import { startKeys } from "./keys.js";
import { Media, possible, trouble } from "./media.js";
import { startOwnTools } from "./own.js";
import { play, ring } from "./sound.js";
import { startStage } from "./stage.js";
import { startStrip } from "./strip.js";

const KEPT = "parlor.call";

/** What the server refuses, by its code, where the page knows better words than the server's. */
const refusals = (/** @type {number} */ limit) => ({
  call_full: t("call_full", { n: limit }),
  call_over: t("error_call_over"),
  forbidden: t("call_join_first"),
  not_found: t("call_gone"),
  no_answer: t("no_answer"),
});

export class Phone {
  media = new Media();
  /** @type {Call | null} */ call = null;
  #attendance;
  /** @type {(() => void) | null} ends the tone that tells that it rings at the other end */ #hush = null;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.#attendance = new Attendance({
      // Never stored: by it the server tells a page that lost its socket from one that came anew.
      page: nonce(),
      nonce,
      media: () => this.call?.state ?? this.#first(),
      send: (frame) => app.connection.send(frame),
      keep: (kept) => this.#keep(kept),
      joined: (frame) => this.#joined(frame),
      left: (why) => this.#left(why),
      refused: (error) => this.#refused(error),
    });
    for (const type of ["call-joined", "call-left", "error"]) app.bus.on(type, (frame) => this.#attendance.take(frame));
    app.bus.on("error", (frame) => frame.answers === "signal" && frame.code === "not_in_call" && frame.call === this.call?.id && this.#attendance.doubt());
    app.bus.on("heads", () => this.#attendance.opened());
    app.bus.on("connection", ({ state }) => state !== "open" && this.#attendance.cut());
    app.bus.on("roster", ({ room }) => this.#roster(room));
    this.media.bus.on("lost", (which) => toast(t(which === "camera" ? "camera_lost" : "microphone_lost")));
    startStage(this);
    startStrip(this);
    startOwnTools(this);
    startKeys(this);
  }

  /** The room whose call one is in or about to be in. */
  get room() {
    return this.#attendance.room;
  }

  /**
   * To a room's call: at once where one has been before and the microphone is allowed, else by way of the mirror.
   * @param {{ room: string, seen?: boolean, straight?: boolean }} wish `seen`: with the camera on
   */
  async to({ room, seen = false, straight = false }) {
    if (this.call?.room === room) {
      this.app.bus.emit("stage", true);
      return;
    }
    if (straight && choice().known && (await allowed())) {
      this.step(room, { muted: choice().muted, seen });
      return;
    }
    const { prejoin } = await import("./prejoin.js");
    prejoin(this, room, seen);
  }

  /**
   * Steps in with what devices there are; none is no hindrance.
   * @param {string} room @param {{ muted: boolean, seen: boolean, listen?: boolean }} how `listen`: without a microphone
   */
  async step(room, { muted, seen, listen = false }) {
    choose({ muted, seen, known: true });
    if (this.room && this.room !== room) this.leave();
    this.media.mute(muted);
    this.#attendance.join(room);
    await this.#devices({ seen, listen });
  }

  /** Answers a call that rings. @param {string} room @param {boolean} seen with the camera on */
  answer(room, seen) {
    this.step(room, { muted: false, seen });
  }

  /** Comes back into the call that this tab was in before it was loaded again. */
  async resume() {
    const kept = this.kept();
    if (!kept?.place) return;
    this.media.mute(kept.muted);
    this.#attendance.resume(kept);
    await this.#devices({ seen: kept.camera, listen: kept.listening });
    if (kept.deafened) this.call?.deafen(true);
  }

  leave() {
    this.#attendance.leave();
  }

  /** @returns {any} */
  kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    } catch {
      return null;
    }
  }

  /** Opens the microphone when there is none yet, else shuts or opens what is sent of it. */
  async mute(muted = !this.media.muted) {
    if (!muted && !this.media.sent.microphone) await this.#try(() => this.media.microphone(), "microphone");
    if (this.call) this.call.mute(muted);
    else this.media.mute(muted);
    choose({ muted });
  }

  async camera(on = !this.media.sent.camera) {
    await this.#try(() => this.media.camera(on), "camera");
    choose({ seen: Boolean(this.media.sent.camera) });
  }

  async share(on = !this.media.sent.screen) {
    await this.#try(() => this.media.screen(on), "screen");
  }

  /** Another device, or another way to use it, was chosen. @param {"microphone" | "camera" | "speaker" | "voice"} what */
  async changed(what) {
    if (what === "microphone" && this.media.sent.microphone) await this.#try(() => this.media.microphone(), "microphone");
    else if (what === "camera" && this.media.sent.camera) await this.#try(() => this.media.camera(true), "camera");
    else if (what === "speaker") this.call?.speaker();
    else if (what === "voice") this.media.tune();
  }

  /** Declines a call that rings here. @param {string} room @param {string} call */
  decline(room, call) {
    this.app.connection.send({ type: "call-decline", room, call, nonce: nonce() });
  }

  /** @param {string} user */
  ring(user) {
    const { call } = this;
    if (call) this.app.connection.send({ type: "call-ring", room: call.room, call: call.id, user, nonce: nonce() });
  }

  #first() {
    const { muted, sent } = this.media;
    return { muted: muted || !sent.microphone, deafened: false, camera: Boolean(sent.camera), shares: [], hand: false, listening: !sent.microphone };
  }

  /** @param {{ seen: boolean, listen: boolean }} wish */
  async #devices({ seen, listen }) {
    if (!possible()) {
      toast(t("trouble_insecure"));
      return;
    }
    const tasks = [];
    if (!listen && !this.media.sent.microphone) tasks.push(this.#try(() => this.media.microphone(), "microphone"));
    if (seen && !this.media.sent.camera) tasks.push(this.#try(() => this.media.camera(true), "camera"));
    if (!seen && this.media.sent.camera) tasks.push(this.media.camera(false));
    await Promise.all(tasks);
    if (!this.room) this.media.close();
    this.call?.tell();
  }

  /** @param {() => Promise<void>} open @param {"microphone" | "camera" | "screen"} what */
  async #try(open, what) {
    try {
      await open();
    } catch (error) {
      const why = trouble(error);
      // Who says no to the browser's question which screen to share knows it.
      if (what === "screen" && why === "refused") return;
      toast(troubleWords(why, what));
    }
    this.call?.tell();
  }

  /** @param {import("../../core/attendance.js").Kept | null} kept */
  #keep(kept) {
    if (!kept) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, ...(this.call?.state ?? this.#first()) }));
  }

  /** @param {any} frame */
  #joined(frame) {
    this.app.calls.take(frame.call);
    if (this.call && this.call.id === frame.call.call && this.call.peer === frame.peer) this.call.again(frame);
    else {
      this.call?.end();
      const call = (this.call = new Call(this.app, this.media, frame));
      call.bus.on("own", () => this.#keep(this.#attendance.place), call.signal);
      call.bus.on("roster", ({ before }) => this.#heardDoor(before), call.signal);
      if (frame.moved) toast(t("call_moved_here"));
      if (call.relay && !call.ice.relays) toast(t("relay_none"));
      this.#waits();
      this.app.bus.emit("call-in", call);
      this.app.bus.emit("stage", true);
    }
    this.app.bus.emit("roster", { room: frame.room });
  }

  /** @param {"moved" | "removed" | "lost" | "over" | "own"} why */
  #left(why) {
    const room = this.call?.room ?? "";
    this.#end();
    if (why === "own") return;
    if (why === "moved") this.#elsewhere(room);
    else toast(t(why === "removed" ? "call_removed" : why === "lost" ? "call_lost" : "error_call_over"), why === "lost" ? { label: t("call_join_again"), run: () => this.step(room, choice()) } : undefined);
  }

  /** @param {{ code: string, message: string, room: string, again: boolean }} error */
  #refused({ code, message, room, again }) {
    const limit = this.app.calls.in(room)?.limit ?? 0;
    this.#end();
    if (code === "call_moved") this.#elsewhere(room);
    else if (!(again && code === "call_over")) toast(/** @type {Record<string, string>} */ (refusals(limit))[code] ?? (message || t("refused")));
    this.app.bus.emit("call-refused", { code });
  }

  /** @param {string} room */
  #elsewhere(room) {
    toast(t("call_elsewhere"), room ? { label: t("call_move_here"), run: () => this.step(room, choice()) } : undefined);
  }

  #end() {
    const { call } = this;
    this.call = null;
    call?.end();
    this.#waits();
    this.media.close();
    if (!call) return;
    this.app.bus.emit("call-out", call);
    this.app.bus.emit("roster", { room: call.room });
  }

  /** @param {string} room */
  #roster(room) {
    const roster = this.app.calls.in(room);
    if (this.call && roster?.call === this.call.id && roster !== this.call.roster) this.call.take(roster);
  }

  /** One hears that it rings at the other end, as long as one is alone. */
  #waits() {
    const { call } = this;
    const waits = Boolean(call && !call.others.length && !call.deafened && call.roster.rings.some(({ state }) => state === "ringing"));
    if (waits) this.#hush ??= ring(false);
    else {
      this.#hush?.();
      this.#hush = null;
    }
  }

  /** Somebody came or went, or raised a hand. @param {import("../../core/rosters.js").Roster} before */
  #heardDoor(before) {
    const { call } = this;
    this.#waits();
    if (!call || call.deafened || before === call.roster) return;
    const were = new Map(before.people.map((guest) => [guest.peer, guest]));
    const are = new Set(call.roster.people.map(({ peer }) => peer));
    const others = (/** @type {string} */ peer) => peer !== call.peer;
    if (call.others.some(({ peer }) => !were.has(peer))) play("came");
    else if ([...were.keys()].some((peer) => others(peer) && !are.has(peer))) play("went");
    else if (call.others.some(({ peer, hand }) => hand && !were.get(peer)?.hand)) play("hand");
  }
}

/** Whether the browser lets us have the microphone without asking. */
async function allowed() {
  if (!possible()) return true;
  try {
    return (await navigator.permissions.query({ name: /** @type {any} */ ("microphone") })).state === "granted";
  } catch {
    return false;
  }
}

/** @param {import("./media.js").Trouble} why @param {"microphone" | "camera" | "screen"} what */
export function troubleWords(why, what) {
  if (why === "insecure") return t("trouble_insecure");
  if (what === "screen") return t("trouble_screen");
  if (why === "refused") return t(what === "camera" ? "trouble_camera_refused" : "trouble_microphone_refused");
  if (why === "missing") return t(what === "camera" ? "trouble_camera_missing" : "trouble_microphone_missing");
  return t(what === "camera" ? "trouble_camera_busy" : "trouble_microphone_busy");
}
