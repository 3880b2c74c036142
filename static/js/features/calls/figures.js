// What `getStats` counts, as figures for a person: how far, how much is lost, how much flows, by which way.

/**
 * @typedef {{ slot: string, kbits: number | null, lost: number, width?: number, height?: number, fps?: number, codec?: string }} Flow
 * `kbits` a second, null until it was counted twice; `lost`: share of the packets, 0 to 1
 * @typedef {{ rtt: number | null, way: string, protocol: string, out: Flow[], into: Flow[], lost: number, grade: 0 | 1 | 2 | 3 }} Quality
 * `rtt` in milliseconds; `way`: `host`, `srflx`, `prflx` or `relay`; `grade`: 3 is good, 0 is none
 */

/** Beyond these it is middling, beyond twice of them it is poor. */
const FAR_MS = 200;
const LOST = 0.03;

/** A reader of one link's figures, which remembers the counts it saw last. */
export function figures() {
  /** @type {Map<string, { at: number, bytes: number, packets: number, lost: number }>} */
  let before = new Map();

  /** @param {RTCStatsReport} report @param {(mid: string | null) => string | undefined} slot @returns {Quality} */
  return (report, slot) => {
    const all = [...report.values()];
    const now = new Map();
    const transport = all.find(({ type }) => type === "transport");
    const pair = report.get(transport?.selectedCandidatePairId) ?? all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    const local = pair && report.get(pair.localCandidateId);
    const remote = pair && report.get(pair.remoteCandidateId);

    const flow = (/** @type {any} */ one, /** @type {boolean} */ out) => {
      const reported = out ? all.find(({ type, localId }) => type === "remote-inbound-rtp" && localId === one.id) : one;
      const count = {
        at: one.timestamp,
        bytes: one.bytesSent ?? one.bytesReceived ?? 0,
        packets: one.packetsSent ?? one.packetsReceived ?? 0,
        lost: reported?.packetsLost ?? 0,
      };
      now.set(one.id, count);
      const last = before.get(one.id);
      const seconds = last ? (count.at - last.at) / 1000 : 0;
      const packets = last ? count.packets - last.packets : 0;
      const lost = last ? Math.max(0, count.lost - last.lost) : 0;
      return {
        slot: slot(one.mid ?? null) ?? one.kind,
        kbits: last && seconds > 0 ? Math.max(0, (count.bytes - last.bytes) * 8) / seconds / 1000 : null,
        lost: packets + lost > 0 ? lost / (packets + lost) : 0,
        width: one.frameWidth,
        height: one.frameHeight,
        fps: one.framesPerSecond,
        codec: report.get(one.codecId)?.mimeType?.split("/")[1],
      };
    };
    const out = all.filter(({ type, bytesSent }) => type === "outbound-rtp" && bytesSent > 0).map((one) => flow(one, true));
    const into = all.filter(({ type, bytesReceived }) => type === "inbound-rtp" && bytesReceived > 0).map((one) => flow(one, false));
    before = now;

    const rtt = pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000;
    const lost = Math.max(0, ...[...out, ...into].map((one) => one.lost));
    const way = [local?.candidateType, remote?.candidateType].includes("relay") ? "relay" : (local?.candidateType ?? "");
    return { rtt, way, protocol: local?.relayProtocol ?? local?.protocol ?? "", out, into, lost, grade: pair ? grade(rtt ?? 0, lost) : 0 };
  };
}

/** @param {number} rtt @param {number} lost @returns {1 | 2 | 3} */
function grade(rtt, lost) {
  if (rtt > 2 * FAR_MS || lost > 2 * LOST) return 1;
  return rtt > FAR_MS || lost > LOST ? 2 : 3;
}
