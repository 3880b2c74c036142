// The figures of each link, for those who want to know why it stutters.
import { el, find, tool } from "../../core/dom.js";
import { t } from "../../core/text.js";
import { dialog } from "../dialogs.js";

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call */
export function qualityPanel(phone, call) {
  const body = el("div", { class: "quality", tabindex: "0", role: "group", "aria-label": t("quality") });
  const shut = tool("close", t("close"), { class: "tool shut" });
  const box = dialog(t("quality"), shut, body);
  box.classList.add("quality-panel");
  shut.addEventListener("click", () => box.close());
  const over = new AbortController();
  box.addEventListener("close", () => over.abort());
  call.signal.addEventListener("abort", () => box.close(), { signal: over.signal });
  const draw = () => {
    const ties = [...call.ties.values()];
    body.replaceChildren(...(ties.length ? ties.map((tie) => link(phone, call, tie)) : [el("p", {}, t("quality_nobody"))]));
  };
  for (const event of ["quality", "tie", "roster"]) call.bus.on(event, draw, over.signal);
  draw();
  find("h2", box).tabIndex = -1;
}

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call @param {import("./call.js").Tie} tie */
function link(phone, call, { peer, link: { state }, quality }) {
  const guest = call.roster.people.find((one) => one.peer === peer);
  const who = (guest && phone.app.names.get(guest.user)) ?? t("somebody");
  const section = el("section", {}, el("h3", { dir: "auto" }, who));
  if (state !== "open" || !quality) {
    section.append(el("p", {}, t(state === "open" ? "quality_soon" : "connecting")));
    return section;
  }
  const { rtt, lost, way, protocol, out, into, grade } = quality;
  const ways = { host: t("way_host"), srflx: t("way_srflx"), prflx: t("way_srflx"), relay: t("way_relay") };
  const rows = [
    [t("quality_grade"), t(grade === 3 ? "signal_good" : grade === 2 ? "signal_fair" : "signal_poor")],
    [t("quality_rtt"), rtt === null ? "–" : `${Math.round(rtt)} ms`],
    [t("quality_lost"), percent(lost)],
    [t("quality_way"), `${ways[/** @type {keyof typeof ways} */ (way)] ?? way} (${protocol.toUpperCase()})`],
  ];
  section.append(el("dl", {}, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
  const slots = { microphone: t("microphone"), camera: t("camera"), screen: t("screen"), sound: t("screen_sound") };
  const flows = [...out.map((one) => ({ ...one, sent: true })), ...into.map((one) => ({ ...one, sent: false }))];
  const body = flows.map(({ slot, sent, kbits, width, height, fps, codec }) =>
    el("tr", {}, el("th", { scope: "row" }, `${sent ? "↑" : "↓"} ${slots[/** @type {keyof typeof slots} */ (slot)] ?? slot}`), el("td", {}, kbits === null ? "–" : `${Math.round(kbits)} kbit/s`), el("td", {}, width ? `${width} × ${height}` : ""), el("td", {}, fps ? `${Math.round(fps)} fps` : ""), el("td", {}, codec ?? "")));
  section.append(el("table", {}, el("caption", { class: "sr" }, t("quality_flows")), el("tbody", {}, ...body)));
  return section;
}

/** @param {number} share */
const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
