// Calls, as far as every page needs them: which are on and who is in them, in the room list, the header and below the
// conversation; and a ring. All else is fetched when one steps in.
import { all, el, find, icon, near } from "../../core/dom.js";
import { hue, initials } from "../../core/names.js";
import { t } from "../../core/text.js";
import { toast } from "../toasts.js";
import { rowOf } from "./places.js";

/** People of a call that a room's row shows. */
const SHOWN_AT_MOST = 12;

/** @param {import("../app.js").App} app */
export function startCalls(app) {
  const { calls } = app;
  /** @type {Promise<import("./phone.js").Phone> | null} */
  let fetched = null;
  /** @type {import("./call.js").Call | null} */
  let inside = null;
  const phone = () => (fetched ??= Promise.all([import("./phone.js"), import("./sheets.js").then(({ dressed }) => dressed())]).then(([{ Phone }]) => new Phone(app)));
  /** @type {Promise<import("./ring.js").Ringing> | null} */
  let ringing = null;

  const changed = (/** @type {string} */ room) => {
    row(app, room);
    if (room === app.room?.id) header(app, inside);
    rings();
    app.bus.emit("roster", { room });
  };
  /** Calls in which one is rung here, as long as this page isn't in them. */
  const mine = () => calls.all().filter(({ call, rings }) => call !== inside?.id && rings.some(({ user, state }) => user === app.me.id && state === "ringing"));
  const rings = async () => {
    if (!ringing && !mine().length) return;
    ringing ??= Promise.all([import("./ring.js"), import("./sheets.js").then(({ dressed }) => dressed())]).then(([{ Ringing }]) => new Ringing(app, phone));
    (await ringing).show(mine());
  };

  app.bus.on("call", (frame) => {
    const before = calls.in(frame.room);
    if (!calls.take(frame)) return;
    busy(app, before, frame);
    changed(frame.room);
  });
  app.bus.on("call-over", (frame) => calls.over(frame) && changed(frame.room));
  app.bus.on("call-speaking", (frame) => {
    if (calls.speaking(frame)) for (const avatar of all(`#rail [data-peer="${CSS.escape(frame.peer)}"] .avatar`)) speaks(avatar, frame.on);
  });
  app.bus.on("heads", (frame) => calls.heads(frame.calls ?? []).forEach(changed));
  app.bus.on("rail-drawn", () => calls.all().forEach(({ room }) => row(app, room)));
  app.bus.on("shown", () => header(app, inside));
  for (const event of ["call-in", "call-out"]) {
    app.bus.on(event, (call) => {
      inside = event === "call-in" ? call : null;
      changed(call.room);
    });
  }
  app.bus.on("step", async (wish) => (await phone()).to(wish));

  document.addEventListener("click", (event) => {
    const button = near(event, "[data-call]");
    const voice = near(event, ".room[data-kind=voice]");
    const plain = !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (button) app.bus.emit("step", { room: button.dataset.call, seen: "seen" in button.dataset, straight: "straight" in button.dataset });
    // One that walks by with the keys for rooms doesn't step in.
    else if (voice && plain && event.isTrusted) app.bus.emit("step", { room: voice.dataset.room, straight: true });
  });
  header(app, null);
  // This tab was in a call when it was loaded again.
  if (sessionStorage.getItem("parlor.call")) phone().then((one) => one.resume());
}

/** Somebody who is in another call hears of it quietly. @param {import("../app.js").App} app @param {import("../../core/rosters.js").Roster | undefined} before @param {import("../../core/rosters.js").Roster} roster */
async function busy(app, before, roster) {
  const state = (/** @type {import("../../core/rosters.js").Roster | undefined} */ one) => one?.rings.find(({ user }) => user === app.me.id)?.state;
  if (state(roster) !== "busy" || (before?.call === roster.call && state(before) === "busy")) return;
  const who = (await app.names.of(roster.by)) || t("somebody");
  toast(t("calls_you", { who }), { label: t("join_call"), run: () => app.bus.emit("step", { room: roster.room, straight: true }) });
}

/** A room's row: that a call is on, and who is in it. @param {import("../app.js").App} app @param {string} room */
function row(app, room) {
  const link = rowOf(room);
  const item = link?.closest("li");
  if (!link || !item) return;
  const roster = app.calls.in(room);
  link.toggleAttribute("data-call-on", Boolean(roster));
  const sign = link.querySelector(".oncall");
  if (!roster) {
    sign?.remove();
    item.querySelector(".inside")?.remove();
    return;
  }
  if (!sign) find(".label", link).after(el("span", { class: "oncall" }, icon("speaker", "small"), el("span", { class: "sr" }, t("call_on"))));
  const list = el("ul", { class: "inside", "aria-label": t("are_in_call") });
  for (const guest of roster.people.slice(0, SHOWN_AT_MOST)) {
    const name = app.names.get(guest.user);
    if (!name) app.names.of(guest.user).then((found) => found && row(app, room));
    const shown = name ?? t("somebody");
    const avatar = el("span", { class: "avatar xs", "data-hue": String(hue(guest.user)), "aria-hidden": "true" }, initials(shown));
    const says = el("span", { class: "sr says" });
    const one = el("li", { "data-peer": guest.peer, ...(guest.away && { "data-away": true }) }, avatar, el("span", { class: "label", dir: "auto" }, shown), says);
    speaks(avatar, guest.speaking);
    if (guest.hand !== null) one.append(icon("hand", "small"), el("span", { class: "sr" }, t("hand_raised")));
    if (guest.muted) one.append(icon(guest.deafened ? "headset-off" : "mic-off", "small"), el("span", { class: "sr" }, t(guest.deafened ? "deafened" : "muted")));
    list.append(one);
  }
  const more = roster.people.length - SHOWN_AT_MOST;
  if (more > 0) list.append(el("li", {}, `+${more}`));
  const old = item.querySelector(".inside");
  if (old) old.replaceWith(list);
  else item.append(list);
}

/** @param {HTMLElement} avatar @param {boolean} on */
function speaks(avatar, on) {
  avatar.toggleAttribute("data-speaking", on);
  const says = avatar.parentElement?.querySelector(".says");
  if (says) says.textContent = on ? t("speaking") : "";
}

/** The header's buttons, and the line below the conversation. @param {import("../app.js").App} app @param {import("./call.js").Call | null} inside */
function header(app, inside) {
  const box = find("#calling");
  const line = find("#oncall");
  const { room } = app;
  if (!box || !room?.joined) return;
  const roster = app.calls.in(room.id);
  const here = inside?.room === room.id;
  const voice = room.kind === "voice";
  const count = roster?.people.length ?? 0;
  const join = t(here ? "back_to_call_short" : voice ? "step_in" : "join_call");
  const press = (/** @type {Record<string, any>} */ more, /** @type {(Node | string)[]} */ ...inner) => el("button", { type: "button", "data-call": room.id, ...more }, ...inner);
  const icons = [
    press({ class: "tool", "aria-label": t("call_start"), title: t("call_start") }, icon("phone")),
    press({ class: "tool desk-only", "data-seen": true, "aria-label": t("call_start_seen"), title: t("call_start_seen") }, icon("video")),
  ];
  const pill = press({ class: "button small join", "data-straight": voice }, ...(roster ? [el("span", { class: "lampdot", "aria-hidden": "true" })] : [icon("speaker", "small")]), el("span", {}, join), ...(count && !here ? [el("span", { class: "num", "aria-hidden": "true" }, String(count))] : []));
  box.replaceChildren(...(roster || voice ? [pill] : icons));
  box.hidden = false;
  box.toggleAttribute("data-here", here);
  line.hidden = !roster || here;
  if (line.hidden) {
    line.replaceChildren();
    return;
  }
  const names = roster?.people.map(({ user }) => app.names.get(user) ?? t("somebody")) ?? [];
  const who = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(names);
  const words = names.length ? t("are_inside", { n: names.length, who }) : t("call_on");
  line.replaceChildren(icon("phone"), el("p", {}, el("span", { class: "lampdot", "aria-hidden": "true" }), words));
}
