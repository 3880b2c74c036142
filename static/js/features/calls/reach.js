// Which ways media could take from here, tried out: straight, by way of one's own address seen from outside (STUN), and by
// the server's relay over UDP and TCP (TURN). Each is told in words.
import { api } from "../../core/api.js";
import { el, icon } from "../../core/dom.js";
import { verdict } from "../../core/reach.js";
import { t } from "../../core/text.js";

/** A way that gives no sign within this time isn't there. */
const TRIES_MS = 8000;

/** @typedef {"host" | "stun" | "udp" | "tcp"} Way */

/** A button, and below it what it found. */
export function tryWays() {
  const found = el("ul", { class: "ways", "aria-live": "polite" });
  const button = el("button", { class: "button small", type: "button", "data-try": true }, icon("signal"), t("ways_try"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    found.replaceChildren(el("li", {}, t("ways_trying")));
    await tell(found);
    button.disabled = false;
    button.focus();
  });
  return el("div", { class: "field reach" }, el("span", { class: "label" }, t("ways")), button, found);
}

/** @param {HTMLElement} box */
async function tell(box) {
  /** @type {RTCIceServer[] | null} */
  let servers = null;
  try {
    ({ servers } = await api("GET", "/api/calls/ice"));
  } catch {
    box.replaceChildren(way("bad", t("no_answer")));
    return;
  }
  const words = { host: t("way_host"), stun: t("way_srflx"), udp: t("way_relay_udp"), tcp: t("way_relay_tcp") };
  const results = await reach(servers ?? []);
  const summary = { all: t("ways_all"), most: t("ways_most"), relay: t("ways_relay"), straight: t("ways_straight"), none: t("ways_none") };
  const offered = (/** @type {Way} */ one) => results[one] !== "absent";
  box.replaceChildren(
    way("sum", summary[verdict(results)]),
    .../** @type {Way[]} */ (["host", "stun", "udp", "tcp"]).filter(offered).map((one) => way(results[one] === "works" ? "good" : "bad", `${words[one]}: ${results[one] === "works" ? t("way_works") : t("way_blocked")}`)),
  );
}

/** @param {string} is @param {string} words */
const way = (is, words) => el("li", { "data-is": is }, ...(is === "sum" ? [] : [icon(is === "good" ? "check" : "close", "small")]), el("span", {}, words));

/** @param {RTCIceServer[]} servers @returns {Promise<Record<Way, import("../../core/reach.js").Result>>} */
async function reach(servers) {
  const urls = servers.flatMap((server) => [server.urls].flat().map((url) => ({ ...server, urls: url })));
  const of = (/** @type {(url: string) => boolean} */ fits) => urls.filter(({ urls: url }) => fits(url));
  const stun = of((url) => url.startsWith("stun"));
  const udp = of((url) => url.startsWith("turn:") && !url.includes("transport=tcp"));
  const tcp = of((url) => url.startsWith("turn") && url.includes("transport=tcp"));
  const trial = async (/** @type {RTCIceServer[]} */ ice, /** @type {boolean} */ relay, /** @type {string} */ kind) => {
    if (!ice.length && kind !== "host") return /** @type {const} */ ("absent");
    return (await gathers(ice, relay, kind)) ? "works" : "blocked";
  };
  const [host, srflx, overUdp, overTcp] = await Promise.all([
    trial([], false, "host"),
    trial(stun, false, "srflx"),
    trial(udp, true, "relay"),
    trial(tcp, true, "relay"),
  ]);
  return { host, stun: srflx, udp: overUdp, tcp: overTcp };
}

/**
 * Whether a candidate of this kind is found. A STUN server that answers with an address that one has anyway brings none,
 * but no error either.
 * @param {RTCIceServer[]} iceServers @param {boolean} relay @param {string} kind @returns {Promise<boolean>}
 */
function gathers(iceServers, relay, kind) {
  const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: relay ? "relay" : "all" });
  return new Promise((/** @type {(found: boolean) => void} */ done) => {
    let refused = false;
    peer.onicecandidate = ({ candidate }) => candidate?.type === kind && done(true);
    peer.onicecandidateerror = () => (refused = true);
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done(kind === "srflx" && !refused);
    setTimeout(() => done(false), TRIES_MS);
    peer.createDataChannel("");
    peer.setLocalDescription().catch(() => done(false));
  }).finally(() => peer.close());
}
