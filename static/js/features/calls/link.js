// One connection to one other end, whatever it is for: to a person now, to the server's relay later. It offers, answers,
// notices when the way is lost and finds another, begins anew when nothing helps, and says how good it is.
import { Bus } from "../../core/bus.js";
import { Courier } from "../../core/courier.js";
import { Negotiation } from "../../core/negotiation.js";
import { figures } from "./figures.js";
import { KIND, SLOTS } from "./media.js";
import { Candidates, bound } from "./senders.js";

/** @typedef {import("./media.js").Slot} Slot */
/** @typedef {"connecting" | "open" | "weak" | "lost"} State */

/** A way that hesitates mostly comes back by itself. */
const HESITATES_MS = 3000;
/** Without a way for this long after looking for a new one, the link is begun anew; and one that was never open, after longer. */
const GIVEN_UP_MS = 10_000;
const NEVER_OPEN_MS = 30_000;
/** Each time it takes longer, up to so many times as long: two slow ends must not keep each other from ever being done. */
const LONGER_AT_MOST = 8;
/** Voice comes many times a second. */
const SILENT_MS = 500;

/**
 * @typedef {{ id: string, polite: boolean, first: boolean, ice: RTCIceServer[], relay: boolean,
 *   sent: Partial<Record<Slot, MediaStreamTrack | null>>, screen: MediaStream, send: (frame: Record<string, any>) => void }} Options
 * `first`: whether this end makes the first offer. `relay`: one's own address is told to nobody. `screen`: the stream whose
 * id tells the screen's tracks from the others. `send` hands a frame to the socket, or loses it.
 */

export class Link {
  /** `state`; `track` with { slot, track } when the other end's media comes. */
  bus = new Bus();
  /** @type {State} */ #state = "connecting";
  #peer = /** @type {RTCPeerConnection} */ (/** @type {unknown} */ (null));
  #negotiation = /** @type {Negotiation} */ (/** @type {unknown} */ (null));
  #courier = /** @type {Courier} */ (/** @type {unknown} */ (null));
  /** @type {Partial<Record<Slot, RTCRtpTransceiver>>} */ #slots = {};
  #candidates = new Candidates((candidates) => this.#courier.post({ type: "webrtc-ice", candidates }));
  /** @type {any} */ #timer = null;
  #generation = 1;
  #others = 1;
  #over = false;
  #figures = figures();
  #packet = { stamp: 0, at: 0 };
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = { ...options, sent: { ...options.sent } };
    this.#begin(options.first);
  }

  get state() {
    return this.#state;
  }

  get generation() {
    return this.#generation;
  }

  /** A frame of the other end's, of this link. @param {Record<string, any>} frame */
  take(frame) {
    const { generation } = frame.link;
    if (this.#over || generation < this.#generation) return;
    if (generation > this.#generation) {
      if (frame.type === "webrtc-ack") return;
      this.#generation = generation;
      this.#shut();
      this.#begin(false);
    }
    if (frame.type === "webrtc-ack") this.#courier.acked(frame.n);
    else this.#courier.take(/** @type {any} */ (frame));
  }

  /** The socket is back, or the other end's is: what may be lost is sent again. */
  again() {
    this.#courier.again();
  }

  /** Sends another track from a slot, or none, without asking the other end. @param {Slot} slot @param {MediaStreamTrack | null} track */
  put(slot, track) {
    this.#options.sent[slot] = track;
    this.#fill();
  }

  /** @param {number} others how many links share the uplink */
  share(others) {
    if (others === this.#others) return;
    this.#others = others;
    for (const slot of SLOTS) this.#bound(slot);
  }

  /** The network is another: a new way is looked for, while the old one serves as long as it does. @param {RTCIceServer[]} [ice] newer credentials */
  restart(ice) {
    if (this.#over) return;
    if (ice) {
      this.#options.ice = ice;
      this.#peer.setConfiguration(this.#configuration());
    }
    this.#peer.restartIce();
    if (this.#state !== "open") this.#giveUp();
  }

  /** By the server's relay alone, or by any way again. @param {boolean} relay */
  hide(relay) {
    if (this.#over || relay === this.#options.relay) return;
    this.#options.relay = relay;
    this.#peer.setConfiguration(this.#configuration());
    this.restart();
  }

  /** @param {number} now in milliseconds @returns {number} how loud the other end's voice is now, 0 to 1 */
  level(now) {
    const [source] = this.#slots.microphone?.receiver.getSynchronizationSources() ?? [];
    if (!source) return 0;
    if (source.timestamp !== this.#packet.stamp) this.#packet = { stamp: source.timestamp, at: now };
    // What came last a while ago is silence.
    return now - this.#packet.at < SILENT_MS ? (source.audioLevel ?? 0) : 0;
  }

  /** How good it is now. */
  async quality() {
    return this.#figures(await this.#peer.getStats(), (mid) => SLOTS.find((slot) => this.#slots[slot]?.mid === mid));
  }

  /** Tells of the tracks that are there already. */
  tellTracks() {
    for (const slot of SLOTS) this.#tell(slot);
  }

  close() {
    if (this.#over) return;
    this.#over = true;
    this.#shut();
  }

  /** @param {boolean} first whether to make the first offer */
  #begin(first) {
    this.#courier = new Courier({
      send: (letter) => this.#options.send({ ...letter, link: this.#name() }),
      ack: (n) => this.#options.send({ type: "webrtc-ack", n, link: this.#name() }),
      deliver: (letter) => this.#heard(letter),
      overrun: () => this.#anew(),
    });
    this.#peer = this.#open();
    this.#negotiation = new Negotiation({
      peer: this.#peer,
      polite: this.#options.polite,
      say: (word) => {
        this.#candidates.flush();
        if (word.kind !== "candidate") this.#courier.post({ type: `webrtc-${word.kind}`, sdp: word.sdp });
      },
      prepare: () => this.#prepare(),
      afresh: () => {
        this.#part();
        return (this.#peer = this.#open());
      },
      failed: () => this.#state !== "open" && this.#giveUp(),
    });
    if (first) {
      for (const slot of SLOTS) {
        const streams = slot === "screen" || slot === "sound" ? [this.#options.screen] : [];
        this.#slots[slot] = this.#peer.addTransceiver(KIND[slot], { direction: "sendrecv", streams });
        this.#tell(slot);
      }
    }
    this.#fill();
    this.#giveUp();
  }

  #name() {
    return { id: this.#options.id, generation: this.#generation };
  }

  /** Not for ever. */
  #giveUp() {
    const times = Math.min(2 ** (this.#generation - 1), LONGER_AT_MOST);
    this.#watch((this.#state === "connecting" ? NEVER_OPEN_MS : GIVEN_UP_MS) * times, () => this.#anew());
  }

  /** Nothing helped: the next generation. */
  #anew() {
    if (this.#over) return;
    this.#set("lost");
    this.#generation += 1;
    this.#shut();
    this.#begin(true);
  }

  /** @returns {RTCConfiguration} */
  #configuration() {
    const { ice, relay } = this.#options;
    return { iceServers: ice, iceTransportPolicy: relay ? "relay" : "all", bundlePolicy: "max-bundle" };
  }

  #open() {
    const peer = new RTCPeerConnection(this.#configuration());
    peer.onnegotiationneeded = () => this.#negotiation.need();
    peer.onicecandidate = ({ candidate }) => candidate && this.#candidates.add(candidate);
    peer.onconnectionstatechange = () => this.#moved(peer.connectionState);
    this.#slots = {};
    return peer;
  }

  #shut() {
    this.#rest();
    this.#courier.end();
    this.#negotiation.end();
    this.#part();
  }

  #part() {
    const peer = this.#peer;
    this.#candidates.drop();
    peer.onnegotiationneeded = peer.onicecandidate = peer.onconnectionstatechange = null;
    peer.close();
  }

  /** @param {Record<string, any>} letter */
  #heard(letter) {
    if (letter.type === "webrtc-ice") {
      for (const { candidate, mid, line, ufrag } of letter.candidates ?? []) {
        this.#negotiation.take({ kind: "candidate", candidate: { candidate, sdpMid: mid ?? null, sdpMLineIndex: line ?? null, usernameFragment: ufrag ?? null } });
      }
    } else this.#negotiation.take({ kind: letter.type === "webrtc-offer" ? "offer" : "answer", sdp: letter.sdp });
  }

  /** The other end's offer is there: its slots are ours as well, in the same order. */
  #prepare() {
    const all = this.#peer.getTransceivers();
    SLOTS.forEach((slot, i) => {
      const transceiver = all[i];
      if (!transceiver || this.#slots[slot] === transceiver || transceiver.receiver.track.kind !== KIND[slot]) return;
      this.#slots[slot] = transceiver;
      transceiver.direction = "sendrecv";
      if (slot === "screen" || slot === "sound") transceiver.sender.setStreams(this.#options.screen);
      this.#tell(slot);
    });
    this.#fill();
  }

  /** @param {Slot} slot */
  #tell(slot) {
    const transceiver = this.#slots[slot];
    if (transceiver) this.bus.emit("track", { slot, track: transceiver.receiver.track });
  }

  #fill() {
    for (const slot of SLOTS) {
      const sender = this.#slots[slot]?.sender;
      const track = this.#options.sent[slot] ?? null;
      if (sender && sender.track !== track) sender.replaceTrack(track).then(() => this.#bound(slot), () => {});
    }
  }

  /** @param {Slot} slot */
  #bound(slot) {
    bound(this.#slots[slot]?.sender, slot, this.#others);
  }

  /** @param {RTCPeerConnectionState} state */
  #moved(state) {
    if (state === "connected") {
      this.#rest();
      this.#set("open");
      for (const slot of SLOTS) this.#bound(slot);
    } else if (state === "disconnected") {
      this.#set("weak");
      this.#watch(HESITATES_MS, () => this.restart());
    } else if (state === "failed") {
      this.#set("lost");
      this.restart();
    }
  }

  /** @param {State} state */
  #set(state) {
    if (this.#state === state || this.#over) return;
    this.#state = state;
    this.bus.emit("state", state);
  }

  /** @param {number} ms @param {() => void} then */
  #watch(ms, then) {
    this.#rest();
    this.#timer = setTimeout(then, ms);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
