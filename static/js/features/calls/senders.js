// How much a sender may send, and candidates in company: what a link needs beside its own course of events.
import { KIND } from "./media.js";

/** Bits a second of a sender, by how many links share the uplink. */
const BITS = { camera: [1_500_000, 900_000, 600_000], screen: [3_000_000, 2_000_000, 1_500_000] };
/** Candidates found this soon one after another travel together, and this many at most. */
const GATHER_MS = 50;
const TOGETHER_AT_MOST = 32;

/** @param {RTCRtpSender | undefined} sender @param {import("./media.js").Slot} slot @param {number} others how many links share the uplink */
export function bound(sender, slot, others) {
  if (!sender?.track || KIND[slot] !== "video") return;
  const bits = slot === "screen" ? BITS.screen : BITS.camera;
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) return;
  for (const encoding of parameters.encodings) encoding.maxBitrate = bits[Math.min(others, bits.length) - 1];
  // A text on a screen must stay sharp; a face may become small.
  Object.assign(parameters, { degradationPreference: slot === "screen" ? "maintain-resolution" : "balanced" });
  sender.setParameters(parameters).catch(() => {});
}

/** Candidates on their way out. */
export class Candidates {
  /** @type {RTCIceCandidate[]} */ #found = [];
  /** @type {any} */ #timer = null;
  #send;

  /** @param {(candidates: Record<string, any>[]) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {RTCIceCandidate} candidate */
  add(candidate) {
    this.#found.push(candidate);
    if (this.#found.length >= TOGETHER_AT_MOST) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush() {
    const candidates = this.#found.map(({ candidate, sdpMid, sdpMLineIndex, usernameFragment }) => ({
      candidate,
      ...(sdpMid !== null && { mid: sdpMid }),
      ...(sdpMLineIndex !== null && { line: sdpMLineIndex }),
      ...(usernameFragment && { ufrag: usernameFragment }),
    }));
    this.drop();
    if (candidates.length) this.#send(candidates);
  }

  drop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#found = [];
  }
}
