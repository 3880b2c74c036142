// The servers that help to find a way, with credentials that run out; and the moments when another way may be needed.
import { api } from "../../core/api.js";

/** Credentials are renewed when this share of their time is over. */
const RENEW_AT = 0.8;
/** Two changes of the network within this are one. */
const SETTLE_MS = 400;

/** @typedef {{ servers: RTCIceServer[], ttl: number }} Told `ttl` in seconds */

export class Ice {
  /** @type {RTCIceServer[]} */ servers = [];
  #until = 0;

  /** @param {Told} told */
  constructor(told) {
    this.take(told);
  }

  /** @param {Told} told */
  take({ servers, ttl }) {
    this.servers = servers;
    this.#until = Date.now() + ttl * 1000 * RENEW_AT;
  }

  /** Whether the server relays at all. */
  get relays() {
    return this.servers.some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn")));
  }

  /** Fresh ones, where those at hand are about to run out. @returns {Promise<RTCIceServer[] | undefined>} */
  async renewed() {
    if (!this.servers.length || Date.now() < this.#until) return undefined;
    try {
      this.take(await api("GET", "/api/calls/ice"));
      return this.servers;
    } catch {
      return undefined;
    }
  }
}

/** @param {() => void} moved called when the network is another @param {AbortSignal} signal */
export function watchNetwork(moved, signal) {
  const { connection } = /** @type {any} */ (navigator);
  let type = connection?.type;
  /** @type {any} */
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(moved, SETTLE_MS);
  };
  addEventListener("online", settle, { signal });
  // It tells of guesses at the speed as well.
  connection?.addEventListener("change", () => {
    if (connection.type === type) return;
    type = connection.type;
    settle();
  }, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
}
