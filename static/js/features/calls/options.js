// Which devices, and how they are used: the fields that the mirror before a call and the settings in one share.
import { el, find, icon, tool } from "../../core/dom.js";
import { meter } from "../../core/speech.js";
import { t } from "../../core/text.js";
import { dialog } from "../dialogs.js";
import { choice, choose } from "./choice.js";
import { devices } from "./media.js";
import { tryWays } from "./reach.js";

/** Lamps of the microphone's level. */
const LAMPS = 16;

/** @param {import("./phone.js").Phone} phone @param {AbortSignal} signal until when they are shown */
export function deviceFields(phone, signal) {
  const box = el("div", { class: "fields" });
  const lamps = Array.from({ length: LAMPS }, () => el("i"));
  const level = el("div", { class: "level", role: "meter", "aria-label": t("microphone_level"), "aria-valuemin": "0", "aria-valuemax": String(LAMPS), "aria-valuenow": "0" }, ...lamps);
  const kinds = /** @type {const} */ ([["camera", "video", t("camera")], ["microphone", "mic", t("microphone")], ["speaker", "speaker", t("speaker")]]);
  for (const [kind, glyph, words] of kinds) {
    const id = `call-${kind}`;
    const select = el("select", { class: "input", id });
    select.addEventListener("change", () => {
      choose({ [kind]: select.value });
      phone.changed(kind);
    });
    const field = el("div", { class: "field" }, el("label", { for: id }, icon(glyph, "small"), words), el("div", { class: "pick" }, select, icon("down", "small")));
    if (kind === "microphone") field.append(level);
    box.append(field);
  }
  const fill = async () => {
    const there = await devices();
    for (const [kind] of kinds) {
      const select = find(`#call-${kind}`, box);
      const chosen = choice()[kind];
      const named = there[kind].map((one, i) => new Option(one.label || t("device_number", { n: i + 1 }), one.deviceId));
      const none = kind === "speaker" && !("setSinkId" in HTMLMediaElement.prototype);
      // Where the system names its own choice itself, ours would stand beside it.
      const own = there[kind].some(({ deviceId }) => deviceId === "default") ? [] : [new Option(t(there[kind].length ? "device_default" : "device_none"), "")];
      select.replaceChildren(...own, ...named);
      select.value = there[kind].some(({ deviceId }) => deviceId === chosen) ? chosen : (own.length ? "" : "default");
      select.disabled = none || (there[kind].length === 0 && kind !== "speaker");
    }
  };
  navigator.mediaDevices?.addEventListener("devicechange", fill, { signal });
  phone.media.bus.on("slot", fill, signal);
  phone.media.bus.on("level", (loud) => {
    const lit = Math.round(meter(loud) * LAMPS);
    if (level.getAttribute("aria-valuenow") === String(lit)) return;
    level.setAttribute("aria-valuenow", String(lit));
    lamps.forEach((lamp, i) => lamp.classList.toggle("lit", i < lit));
  }, signal);
  fill();
  return box;
}

/** @param {import("./phone.js").Phone} phone */
export function voiceFields(phone) {
  const { noise, talk, loudness, key, relay, picture } = choice();
  const box = el("div", { class: "fields" });
  box.append(toggle("call-noise", t("noise"), t("noise_hint"), noise, (on) => {
    choose({ noise: on });
    phone.changed("microphone");
  }));
  const more = el("div", {});
  const ways = segments("call-talk", t("talk"), [["open", t("talk_open")], ["voice", t("talk_voice")], ["push", t("talk_push")]], talk, (value) => {
    choose({ talk: /** @type {any} */ (value) });
    phone.changed("voice");
    detail();
  });
  const detail = () => {
    const now = choice().talk;
    more.replaceChildren();
    if (now === "voice") {
      const slider = el("input", { type: "range", id: "call-loudness", min: "1", max: "100", value: String(Math.round(loudness * 500)) });
      slider.addEventListener("input", () => {
        choose({ loudness: slider.valueAsNumber / 500 });
        phone.changed("voice");
      });
      more.append(el("div", { class: "field" }, el("label", { for: "call-loudness" }, t("talk_loudness")), slider));
    } else if (now === "push") {
      const button = el("button", { class: "button", type: "button", id: "call-key" }, keyName(choice().key ?? key));
      button.addEventListener("click", () => learnKey(button));
      more.append(el("div", { class: "field" }, el("span", { class: "label" }, t("talk_key")), button, el("p", { class: "hint" }, t("talk_key_hint"))));
    }
  };
  detail();
  box.append(ways, more);
  box.append(segments("call-picture", t("own_picture"), [["large", t("picture_large")], ["medium", t("picture_medium")], ["small", t("picture_small")]], picture, (value) => {
    choose({ picture: /** @type {any} */ (value) });
    phone.changed("camera");
  }));
  box.append(toggle("call-relay", t("relay"), t("relay_hint"), relay, (on) => {
    choose({ relay: on });
    phone.call?.hide(on);
  }));
  return box;
}

/** The settings while one is in a call. @param {import("./phone.js").Phone} phone */
export function settings(phone) {
  const over = new AbortController();
  const shut = tool("close", t("close"), { class: "tool shut" });
  const box = dialog(t("call_settings"), shut, deviceFields(phone, over.signal), voiceFields(phone), tryWays());
  box.classList.add("call-settings");
  shut.addEventListener("click", () => box.close());
  box.addEventListener("close", () => over.abort());
  phone.call?.signal.addEventListener("abort", () => box.close(), { signal: over.signal });
}

/** @param {string} id @param {string} words @param {string} hint @param {boolean} on @param {(on: boolean) => void} changed */
function toggle(id, words, hint, on, changed) {
  const input = el("input", { type: "checkbox", role: "switch", id, checked: on });
  input.addEventListener("change", () => changed(input.checked));
  return el("label", { class: "switch", for: id }, el("span", {}, el("b", {}, words), el("small", {}, hint)), input);
}

/** @param {string} name @param {string} words @param {[string, string][]} all @param {string} chosen @param {(value: string) => void} changed */
function segments(name, words, all, chosen, changed) {
  const set = el("fieldset", { class: "segments" }, el("legend", {}, words));
  for (const [value, text] of all) set.append(el("label", {}, el("input", { type: "radio", name, value, checked: value === chosen }), el("span", {}, text)));
  set.addEventListener("change", (/** @type {any} */ event) => changed(event.target.value));
  return set;
}

/** @param {HTMLElement} button */
function learnKey(button) {
  button.textContent = t("talk_key_press");
  button.addEventListener("keydown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.code !== "Escape" && event.code !== "Tab") choose({ key: event.code });
    button.textContent = keyName(choice().key);
  }, { once: true });
}

/** @param {string} code */
const keyName = (code) => (code === "Space" ? t("key_space") : code.replace(/^(Key|Digit)/, "").replace(/([a-z])([A-Z])/g, "$1 $2"));
