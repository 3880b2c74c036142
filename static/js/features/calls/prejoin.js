// The mirror before a call: how one looks and sounds, with which devices, and who is inside already.
import { el, find, icon, tool } from "../../core/dom.js";
import { hue, initials } from "../../core/names.js";
import { t } from "../../core/text.js";
import { choice } from "./choice.js";
import { deviceFields, voiceFields } from "./options.js";
import { possible, trouble } from "./media.js";
import { troubleWords } from "./phone.js";
import { tryWays } from "./reach.js";
import { roomKind, roomName } from "./places.js";

/** Faces of those inside that are shown. */
const FACES = 5;

/** @type {AbortController | null} the one that is open */
let open = null;

/** @param {import("./phone.js").Phone} phone @param {string} room @param {boolean} seen with the camera on */
export function prejoin(phone, room, seen) {
  open?.abort();
  const over = (open = new AbortController());
  const { app, media } = phone;
  const inCall = () => app.calls.in(room);
  const video = el("video", { playsinline: true, autoplay: true, tabindex: "-1", "aria-label": t("own_camera"), hidden: true });
  video.muted = true;
  const face = el("span", { class: "avatar xl", "data-hue": String(hue(app.me.id)), "aria-hidden": "true" }, initials(app.me.display));
  const mute = tool("mic", "", {});
  const camera = tool("video", "", {});
  const title = el("h2", { class: "title", id: "prejoin-title" });
  const inside = el("div", { class: "already" });
  const troubles = el("div", { class: "troubles", role: "status" });
  const join = el("button", { class: "button primary wide", type: "submit" }, t("join_call"));
  const listen = el("button", { class: "button wide", type: "button", "data-listen": true, hidden: true }, t("listen_only"));
  const close = tool("close", t("back_to_room"));
  const form = el(
    "form", { "aria-labelledby": "prejoin-title" },
    el("div", {}, title, el("p", { class: "lead" }, t("prejoin_lead"))), inside, troubles, deviceFields(phone, over.signal),
    join, listen,
    el("details", { class: "more-options" }, el("summary", {}, t("more_options")), voiceFields(phone), tryWays()),
  );
  const page = el(
    "section", { class: "sheet", id: "prejoin", tabindex: "-1", role: "main", "aria-label": t("call_in", { room: roomName(room) }) },
    el("header", { class: "bar" }, el("button", { class: "tool phone-only", type: "button", popovertarget: "rooms", "aria-label": t("rooms") }, icon("menu")), el("div", { class: "place" }, el("h1", { dir: "auto" }, roomName(room))), close),
    el("div", { class: "prejoin" }, el("div", { class: "fields-left" }, el("div", { class: "tile preview-tile" }, video, face, el("span", { class: "tag-name" }, el("span", {}, t("own_camera_only"))), el("div", { class: "dock" }, mute, camera))), form),
  );

  const draw = () => {
    const { sent, muted } = media;
    const shut = muted || !sent.microphone;
    dress(mute, shut ? "mic-off" : "mic", t(shut ? "unmute" : "mute"), shut);
    dress(camera, sent.camera ? "video" : "video-off", t(sent.camera ? "camera_off" : "camera_on"), !sent.camera);
    video.hidden = !sent.camera;
    face.hidden = Boolean(sent.camera);
    if (sent.camera && video.srcObject?.getVideoTracks()[0] !== sent.camera) video.srcObject = new MediaStream([sent.camera]);
    else if (!sent.camera) video.srcObject = null;
    const guests = inCall()?.people ?? [];
    title.textContent = t(guests.length || roomKind(room) === "voice" ? "prejoin_title" : "prejoin_first");
    const names = guests.map(({ user }) => app.names.get(user) ?? t("somebody"));
    for (const { user } of guests) if (!app.names.get(user)) app.names.of(user).then((name) => name && !over.signal.aborted && draw());
    inside.hidden = !guests.length;
    inside.replaceChildren(
      el("span", { class: "stack", "aria-hidden": "true" }, ...guests.slice(0, FACES).map(({ user }, i) => el("span", { class: "avatar sm", "data-hue": String(hue(user)) }, initials(names[i])))),
      el("span", {}, t("are_inside", { n: guests.length, who: new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(names) })),
    );
  };
  /** @type {Map<string, string>} */
  const said = new Map();
  const tell = () => {
    troubles.replaceChildren(...[...said.values()].map((words) => el("p", { class: "trouble" }, icon("alert", "small"), words)));
    const silent = said.has("microphone");
    listen.hidden = !silent;
    // One filled button: the one that goes on.
    join.hidden = silent;
    listen.classList.toggle("primary", silent);
  };
  const attempt = async (/** @type {"microphone" | "camera"} */ what, /** @type {() => Promise<void>} */ run) => {
    try {
      await run();
      said.delete(what);
    } catch (error) {
      const why = trouble(error);
      said.set(why === "insecure" ? "microphone" : what, troubleWords(why, what));
    }
    if (over.signal.aborted) return;
    tell();
    draw();
  };
  const go = (/** @type {boolean} */ quiet) => {
    const how = { muted: media.muted, seen: Boolean(media.sent.camera), listen: quiet };
    shut(false);
    phone.step(room, how);
  };
  const shut = (/** @type {boolean} */ back) => {
    over.abort();
    if (back && !phone.call) media.close();
  };

  mute.addEventListener("click", () => {
    if (!media.sent.microphone) attempt("microphone", () => media.microphone());
    media.mute(!(media.muted || !media.sent.microphone));
    draw();
  });
  camera.addEventListener("click", () => attempt("camera", () => media.camera(!media.sent.camera)));
  close.addEventListener("click", () => shut(true));
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    go(false);
  });
  listen.addEventListener("click", () => go(true));
  page.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && shut(true));
  over.signal.addEventListener("abort", () => {
    page.remove();
    video.srcObject = null;
    if (open === over) open = null;
    const root = find("#app");
    if (root.dataset.stage === "prejoin") root.removeAttribute("data-stage");
    if (!root.hasAttribute("data-stage")) find("#main")?.focus({ preventScroll: true });
  });
  media.bus.on("slot", draw, over.signal);
  app.bus.on("roster", draw, over.signal);
  app.bus.on("shown", () => app.room?.id !== room && shut(true), over.signal);
  app.bus.on("call-in", () => shut(false), over.signal);

  find("#app").append(page);
  find("#app").dataset.stage = "prejoin";
  if (!phone.call) media.mute(choice().muted);
  tell();
  draw();
  page.focus({ preventScroll: true });
  attempt("microphone", () => media.microphone());
  if (possible() && (seen || choice().seen)) attempt("camera", () => media.camera(true));
}

/** @param {HTMLElement} button @param {string} glyph @param {string} label @param {boolean} off */
function dress(button, glyph, label, off) {
  if (button.title === label) return;
  button.replaceChildren(icon(glyph));
  button.setAttribute("aria-label", label);
  button.title = label;
  button.classList.toggle("off", off);
}
