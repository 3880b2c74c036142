// The call one is in: its people, the links to them, what they send and what one sends. It draws nothing; what shows it
// listens to its bus. It goes on while the socket is away, since media needs no socket.
import { Bus } from "../../core/bus.js";
import { Speech } from "../../core/speech.js";
import { choice } from "./choice.js";
import { Ice, watchNetwork } from "./ice.js";
import { Link } from "./link.js";
import { Listening } from "./listening.js";

/**
 * @typedef {import("../../core/rosters.js").Roster} Roster
 * @typedef {import("../../core/rosters.js").Guest} Guest
 * @typedef {import("./media.js").Slot} Slot
 * @typedef {{ peer: string, entry: number, link: Link, tracks: Partial<Record<Slot, MediaStreamTrack>>, speech: Speech,
 *   quality: import("./figures.js").Quality | null, lostAt: number | null }} Tie
 */

/** How often levels are read, and figures. */
const LEVEL_MS = 150;
const QUALITY_MS = 4000;
/** What one tells of oneself is told at most this often; the last word always. */
const TELL_MS = 120;

export class Call {
  /** `roster`, `own` (what one sends and tells), `tie` (a link's state or tracks), `speaking` and `quality`. */
  bus = new Bus();
  /** @type {Map<string, Tie>} by peer */ ties = new Map();
  deafened = false;
  /** @type {number | null} */ hand = null;
  /** Whether the key to talk is held, or the voice heard: whether one speaks now. */
  speaking = false;
  /** Names one's screen for the others. */
  #screen = new MediaStream();
  #over = new AbortController();
  #listening;
  #told = "";
  /** @type {any} */ #telling = null;

  /**
   * @param {import("../app.js").App} app @param {import("./media.js").Media} media
   * @param {{ room: string, peer: string, entry: number, call: Roster, ice: import("./ice.js").Told }} joined
   */
  constructor(app, media, { room, peer, entry, call, ice }) {
    this.app = app;
    this.media = media;
    this.room = room;
    this.id = call.call;
    this.peer = peer;
    this.entry = entry;
    this.roster = call;
    this.ice = new Ice(ice);
    this.relay = choice().relay;
    this.#listening = new Listening();
    const { signal } = this.#over;
    media.bus.on("slot", (slot) => this.#sent(slot), signal);
    media.bus.on("speaking", (on) => this.#speaks(on), signal);
    for (const type of ["webrtc-offer", "webrtc-answer", "webrtc-ice", "webrtc-ack"]) app.bus.on(type, (frame) => this.#heard(frame), signal);
    app.bus.on("error", (frame) => frame.answers === "call" && frame.call === this.id && frame.retry && this.#untold(), signal);
    watchNetwork(() => this.#moved(), signal);
    const levels = setInterval(() => this.#levels(), LEVEL_MS);
    const quality = setInterval(() => this.#quality(), QUALITY_MS);
    signal.addEventListener("abort", () => [levels, quality].forEach(clearInterval));
    this.take(call);
    this.tell();
    if (media.speaking) this.#speaks(true);
  }

  get signal() {
    return this.#over.signal;
  }

  /** @returns {Guest | undefined} */
  get own() {
    return this.roster.people.find(({ peer }) => peer === this.peer);
  }

  /** @returns {Guest[]} */
  get others() {
    return this.roster.people.filter(({ peer }) => peer !== this.peer);
  }

  /** What one tells the others of oneself. */
  get state() {
    const { sent, muted } = this.media;
    return { muted: muted || !sent.microphone, deafened: this.deafened, camera: Boolean(sent.camera), shares: sent.screen ? [this.#screen.id] : [], hand: this.hand !== null, listening: !sent.microphone };
  }

  /** One's place again after the socket was away, or as somebody who came anew. @param {any} joined */
  again({ entry, call, ice }) {
    // Links are named by who came when: another entry, other links.
    if (entry !== this.entry) for (const peer of [...this.ties.keys()]) this.#untie(peer);
    this.entry = entry;
    this.ice.take(ice);
    this.#told = "";
    this.take(call);
    for (const { link } of this.ties.values()) link.again();
    this.tell();
    if (this.speaking) this.#speaks(true);
  }

  /** @param {Roster} roster */
  take(roster) {
    const before = this.roster;
    this.roster = roster;
    const newest = Math.max(this.entry, ...roster.people.map(({ entry }) => entry));
    const there = new Map(this.others.map((guest) => [guest.peer, guest]));
    for (const [peer, tie] of this.ties) {
      const guest = there.get(peer);
      // One that a roster older than its first frame doesn't know yet may stay.
      if (guest ? guest.entry > tie.entry : tie.entry <= newest) this.#untie(peer);
    }
    for (const guest of this.others) {
      const tie = this.ties.get(guest.peer) ?? this.#tie(guest.peer, guest.entry);
      tie.link.share(this.others.length);
      const was = before.people.find(({ peer }) => peer === guest.peer);
      if (was?.away && !guest.away) tie.link.again();
      this.#listening.hear(guest.peer, choice().volumes[guest.user] ?? 1);
    }
    this.bus.emit("roster", { before });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.media.mute(muted);
    if (!muted && this.deafened) this.deafen(false);
    this.tell();
  }

  /** Who hears nothing isn't heard either. @param {boolean} deafened */
  deafen(deafened) {
    if (this.deafened === deafened) return;
    this.deafened = deafened;
    this.#listening.deafen(deafened);
    if (deafened) this.media.mute(true);
    this.tell();
  }

  /** @param {boolean} up */
  raise(up) {
    this.hand = up ? Date.now() : null;
    this.tell();
  }

  /** @param {string} peer @param {number} volume 0 to 1 */
  volume(peer, volume) {
    this.#listening.hear(peer, volume);
  }

  /** Another speaker was chosen. */
  speaker() {
    this.#listening.through(choice().speaker);
  }

  /** Sound that the browser held back until somebody touched the page. */
  listen() {
    this.#listening.play();
  }

  /** Whether the browser holds sound back. */
  get silenced() {
    return this.#listening.blocked;
  }

  /** By the server's relay alone, or by any way again. Where there is no relay, hiding means that nobody is reached. @param {boolean} relay */
  hide(relay) {
    this.relay = relay;
    for (const { link } of this.ties.values()) link.hide(relay);
  }

  /** Tells the others, and the page, what is so now. */
  tell() {
    this.bus.emit("own");
    this.#telling ??= setTimeout(() => {
      this.#telling = null;
      this.#say();
    }, TELL_MS);
  }

  end() {
    this.#over.abort();
    clearTimeout(this.#telling);
    for (const peer of [...this.ties.keys()]) this.#untie(peer);
    this.#listening.end();
  }

  #say() {
    if (this.#over.signal.aborted) return;
    const words = JSON.stringify(this.state);
    if (words === this.#told) return;
    if (this.app.connection.send({ type: "call-media", call: this.id, ...this.state })) this.#told = words;
  }

  /** What was told last was refused for now. */
  #untold() {
    this.#told = "";
    this.tell();
  }

  /** @param {string} peer @param {number} entry @returns {Tie} */
  #tie(peer, entry) {
    const newcomer = this.entry > entry;
    const link = new Link({
      id: linkName(this.entry, entry),
      polite: newcomer,
      first: newcomer,
      ice: this.ice.servers,
      relay: this.relay,
      sent: this.media.sent,
      screen: this.#screen,
      send: (frame) => this.app.connection.send(/** @type {any} */ ({ ...frame, call: this.id, to: peer })),
    });
    /** @type {Tie} */
    const tie = { peer, entry, link, tracks: {}, speech: new Speech(), quality: null, lostAt: performance.now() };
    this.ties.set(peer, tie);
    link.bus.on("track", ({ slot, track }) => {
      tie.tracks[/** @type {Slot} */ (slot)] = track;
      if (track.kind === "audio") this.#listening.add(peer, slot, track);
      this.bus.emit("tie", { peer });
    });
    link.bus.on("state", (state) => {
      tie.lostAt = state === "open" ? null : (tie.lostAt ?? performance.now());
      // It may be one's own network; then the socket is dead as well, and no new way is found without it.
      if (state === "weak" || state === "lost") {
        this.app.connection.doubt();
        this.ice.renewed().then((ice) => ice && link.restart(ice));
      }
      this.bus.emit("tie", { peer });
    });
    link.tellTracks();
    return tie;
  }

  /** @param {string} peer */
  #untie(peer) {
    this.ties.get(peer)?.link.close();
    this.ties.delete(peer);
    this.#listening.forget(peer);
  }

  /** @param {any} frame a signal */
  #heard(frame) {
    if (frame.call !== this.id || frame.to !== this.peer || !frame.link) return;
    const { from, entry } = frame;
    let tie = this.ties.get(from);
    if (frame.link.id !== linkName(this.entry, entry)) return;
    if (tie && tie.entry > entry) return;
    if (tie && tie.entry < entry) {
      this.#untie(from);
      tie = undefined;
    }
    (tie ?? this.#tie(from, entry)).link.take(frame);
  }

  /** @param {Slot} slot */
  #sent(slot) {
    for (const { link } of this.ties.values()) link.put(slot, this.media.sent[slot]);
    this.tell();
  }

  /** @param {boolean} on */
  #speaks(on) {
    this.speaking = on;
    this.app.connection.send({ type: "call-speaking", call: this.id, on });
    this.bus.emit("speaking", { peer: this.peer, on });
  }

  #levels() {
    const now = performance.now();
    for (const { peer, link, speech } of this.ties.values()) {
      if (speech.take(link.level(now), now)) this.bus.emit("speaking", { peer, on: speech.speaking });
    }
  }

  async #quality() {
    await Promise.all([...this.ties.values()].map(async (tie) => (tie.quality = await tie.link.quality())));
    if (!this.#over.signal.aborted) this.bus.emit("quality");
  }

  async #moved() {
    const ice = await this.ice.renewed();
    for (const { link } of this.ties.values()) link.restart(ice);
  }
}

/** The name that two pages' link has, the same at both ends. @param {number} a @param {number} b */
export const linkName = (a, b) => `${Math.min(a, b)}-${Math.max(a, b)}`;

