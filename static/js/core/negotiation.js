// How the two ends of a link agree: "perfect negotiation". Either may offer at any time; when two offers cross, the
// polite one gives way. It knows nothing of media, nor of how its words travel, but that they come once each, in order.

/**
 * What it needs of an `RTCPeerConnection`.
 * @typedef {{ signalingState: string, localDescription: { type: string, sdp: string } | null,
 *   setLocalDescription(description?: any): Promise<void>, setRemoteDescription(description: any): Promise<void>,
 *   addIceCandidate(candidate: any): Promise<void> }} Peer
 * @typedef {{ kind: "offer" | "answer", sdp: string } | { kind: "candidate", candidate: any }} Word
 * @typedef {{ peer: Peer, polite: boolean, say: (word: Word) => void,
 *   prepare?: (word: Word) => void | Promise<void>, afresh?: () => Peer, failed?: (error: unknown) => void }} Ports
 * `prepare` is called between an offer that was taken and its answer; `afresh` gives another peer instead of one whose
 * very first offer has to give way, since the slots that it made would stay beside those of the offer it takes.
 */

/** Candidates kept until the description they belong to is there. */
const WAITING_AT_MOST = 100;

export class Negotiation {
  /** @type {Ports} */ #ports;
  /** @type {Peer} */ #peer;
  #ignoring = false;
  #agreed = false;
  #over = false;
  #described = false;
  /** @type {any[]} */ #waiting = [];
  /** @type {Promise<void>} */ #turn = Promise.resolve();

  /** @param {Ports} ports */
  constructor(ports) {
    this.#ports = ports;
    this.#peer = ports.peer;
  }

  /** Whether the two ends have agreed at least once. */
  get agreed() {
    return this.#agreed;
  }

  /** Something changed that the other end must agree to. @returns {Promise<void>} */
  need() {
    return this.#then(async () => {
      // An offer under way or an answer to come: the browser asks again when it is stable.
      if (this.#peer.signalingState !== "stable") return;
      await this.#offer();
    });
  }

  /** The other end said something. @param {Word} word @returns {Promise<void>} */
  take(word) {
    return this.#then(() => (word.kind === "candidate" ? this.#candidate(word.candidate) : this.#description(word)));
  }

  /** Nothing is said any more. */
  end() {
    this.#over = true;
  }

  async #offer() {
    await this.#peer.setLocalDescription();
    const { localDescription } = this.#peer;
    if (localDescription?.type === "offer") this.#ports.say({ kind: "offer", sdp: localDescription.sdp });
  }

  /** @param {{ kind: "offer" | "answer", sdp: string }} word */
  async #description({ kind, sdp }) {
    const description = { type: kind, sdp };
    if (kind === "answer") {
      // To an offer that gave way, or was never ours.
      if (this.#peer.signalingState !== "have-local-offer") return;
      await this.#peer.setRemoteDescription(description);
      await this.#settled();
      return;
    }
    const crossed = this.#peer.signalingState !== "stable";
    this.#ignoring = crossed && !this.#ports.polite;
    if (this.#ignoring) return;
    if (crossed && !this.#agreed && this.#ports.afresh) {
      this.#peer = this.#ports.afresh();
      this.#described = false;
      this.#waiting = [];
    }
    await this.#peer.setRemoteDescription(description);
    await this.#ports.prepare?.({ kind, sdp });
    await this.#peer.setLocalDescription();
    const { localDescription } = this.#peer;
    if (localDescription) this.#ports.say({ kind: "answer", sdp: localDescription.sdp });
    await this.#settled();
  }

  async #settled() {
    this.#agreed = true;
    this.#described = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const candidate of waiting) await this.#add(candidate);
  }

  /** @param {any} candidate */
  async #candidate(candidate) {
    // Of the offer that was ignored: it means nothing here.
    if (this.#ignoring) return;
    if (this.#described) await this.#add(candidate);
    else if (this.#waiting.length < WAITING_AT_MOST) this.#waiting.push(candidate);
  }

  /** One that can't be used harms nobody: there are others. @param {any} candidate */
  async #add(candidate) {
    try {
      await this.#peer.addIceCandidate(candidate);
    } catch {
      // Of an earlier generation of its ICE, or of a kind this browser doesn't know.
    }
  }

  /** One thing at a time. @param {() => Promise<void>} what @returns {Promise<void>} */
  #then(what) {
    const run = async () => {
      if (this.#over) return;
      try {
        await what();
      } catch (error) {
        if (!this.#over) this.#ports.failed?.(error);
      }
    };
    this.#turn = this.#turn.then(run);
    return this.#turn;
  }
}
