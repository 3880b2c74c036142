// The call while one looks at something else: a card in the rail, and on a phone a strip above the conversation.
import { el, find, near } from "../../core/dom.js";
import { hue, initials } from "../../core/names.js";
import { t } from "../../core/text.js";
import { ticking } from "../../core/when.js";
import { fewControls } from "./controls.js";
import { roomName } from "./places.js";

/** @param {import("./phone.js").Phone} phone */
export function startStrip(phone) {
  phone.app.bus.on("call-in", (call) => strip(phone, call));
}

/** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call */
function strip(phone, call) {
  const { app } = phone;
  const { signal } = call;
  const room = () => roomName(call.room);
  const video = el("video", { playsinline: true, autoplay: true, tabindex: "-1", hidden: true });
  video.muted = true;
  const face = el("span", { class: "avatar lg", "aria-hidden": "true" });
  const name = el("span", { dir: "auto" });
  const card = el(
    "section", { class: "callcard", id: "callcard" },
    el("button", { class: "tile", type: "button", "data-back": true }, video, face, el("span", { class: "tag-name" }, name)),
    el("p", { class: "where" }, el("span", { class: "lampdot" }), el("button", { class: "plain", type: "button", "data-back": true, dir: "auto" }), el("time", {})),
    fewControls(phone, call, ["mute", "camera", "share", "leave"]),
  );
  const small = el("span", { class: "avatar sm", "aria-hidden": "true" });
  const line = el(
    "section", { class: "callstrip", id: "callstrip", "aria-label": t("call") },
    small,
    el("button", { class: "return", type: "button", "data-back": true }, el("b", { dir: "auto" }), el("small", {})),
    fewControls(phone, call, ["mute", "leave"]),
  );
  for (const box of [card, line]) box.addEventListener("click", (/** @type {Event} */ event) => near(event, "[data-back]") && app.bus.emit("stage", true));
  find(".me")?.before(card);

  /** Who is shown: who speaks, else who spoke last, else the first of the others. */
  let last = "";
  const draw = () => {
    const guests = call.others;
    const guest = guests.find(({ peer }) => peer === last) ?? guests[0] ?? call.own;
    if (!guest) return;
    const own = guest.peer === call.peer;
    const tie = call.ties.get(guest.peer);
    const display = own ? app.me.display : (app.names.get(guest.user) ?? t("somebody"));
    const tracks = own ? phone.media.sent : (tie?.tracks ?? {});
    const track = (own ? call.state : guest).camera ? tracks.camera : null;
    video.hidden = !track;
    face.hidden = Boolean(track);
    if (track && video.srcObject?.getVideoTracks()[0] !== track) video.srcObject = new MediaStream([track]);
    else if (!track) video.srcObject = null;
    name.textContent = own ? t("name_you", { who: display }) : display;
    const speaks = own ? call.speaking : Boolean(tie?.speech.speaking);
    for (const avatar of [face, small]) {
      avatar.dataset.hue = String(hue(guest.user));
      avatar.textContent = initials(display);
      avatar.toggleAttribute("data-speaking", speaks);
    }
    find(".tile", card).toggleAttribute("data-speaking", speaks);
    card.setAttribute("aria-label", t("call_in", { room: room() }));
    find(".tile", card).setAttribute("aria-label", t(speaks ? "back_to_call_speaks" : "back_to_call", { who: name.textContent }));
    find(".where .plain", card).textContent = find("b", line).textContent = room();
    tick(speaks ? t("is_speaking", { who: display }) : t("people_count", { n: call.roster.people.length }));
  };
  let words = "";
  const tick = (said = words) => {
    words = said;
    const time = ticking(Date.now() - call.roster.at);
    find("time", card).textContent = time;
    find("small", line).textContent = `${words}, ${time}`;
  };
  const ticks = setInterval(tick, 1000);
  /** On a phone, above whichever room is on show. */
  const put = () => find("#app > main")?.prepend(line);
  for (const event of ["roster", "own", "tie"]) call.bus.on(event, draw, signal);
  call.bus.on("speaking", ({ peer, on }) => {
    if (on && peer !== call.peer) last = peer;
    draw();
  }, signal);
  app.bus.on("shown", put, signal);
  app.bus.on("rail-drawn", draw, signal);
  app.bus.on("staged", (/** @type {boolean} */ on) => (card.hidden = line.hidden = on), signal);
  signal.addEventListener("abort", () => {
    clearInterval(ticks);
    card.remove();
    line.remove();
  });
  put();
  draw();
}
