// A banner while the connection is away: what that means, and when it is tried again. Another while the server's nodes
// don't hear each other.
import { el, icon, find } from "../core/dom.js";
import { t } from "../core/text.js";

/** A short cut isn't worth a word. */
const AFTER_MS = 1500;

/** @param {import("./app.js").App} app */
export function startBanner(app) {
  let lost = 0;
  /** @type {any} */
  let timer = 0;
  let ended = false;
  /** Whether others' words may come late. */
  let late = false;

  const draw = (/** @type {string} */ state, /** @type {number} */ retryAt) => {
    const banner = /** @type {HTMLElement | null} */ (find("#banner"));
    clearTimeout(timer);
    if (!banner) return;
    const app_ = find("#app");
    const away = state !== "open" && lost > 0 && (ended || Date.now() - lost >= AFTER_MS);
    app_?.toggleAttribute("data-offline", away);
    if (state === "open") {
      banner.hidden = !late;
      if (late) banner.replaceChildren(icon("clock"), el("p", {}, el("b", {}, t("banner_slow")), " ", t("banner_slow_more")));
      else banner.replaceChildren();
      return;
    }
    if (!away) {
      timer = setTimeout(() => draw(state, retryAt), AFTER_MS);
      return;
    }
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    const word = ended ? "ended" : state === "offline" ? "no_network" : state === "connecting" || seconds === 0 ? "connecting" : "away";
    const button = ended
      ? el("a", { class: "button small", href: `/login?next=${encodeURIComponent(location.pathname)}` }, t("sign_in"))
      : el("button", { class: "button small", type: "button" }, t("try_now"));
    if (!ended) button.addEventListener("click", () => app.connection.connect());
    const head = el("b", {}, t(ended ? "banner_out" : "banner_offline"));
    const more = el("span", {}, t(`banner_${word}`));
    // The seconds tick for the eye alone.
    const tick = word === "away" ? [" ", el("span", { "aria-hidden": "true" }, t("banner_in", { n: seconds }))] : [];
    const shown = banner.querySelector("p span");
    if (!banner.hidden && shown?.textContent === more.textContent && word === "away") {
      banner.querySelector("p [aria-hidden]")?.replaceWith(tick[1]);
    } else {
      banner.replaceChildren(icon(ended ? "key" : "offline"), el("p", {}, head, " ", more, ...tick), button);
      banner.hidden = false;
    }
    if (word === "away") timer = setTimeout(() => draw(state, retryAt), 1000);
  };

  let last = { state: "connecting", retryAt: 0 };
  app.bus.on("connection", ({ state, retryAt }) => {
    if (state === "open") lost = 0;
    else if (!lost) lost = Date.now();
    ended = state === "ended";
    // Whoever answers next says so anew.
    if (state !== "open") late = false;
    last = { state, retryAt };
    draw(state, retryAt);
  });
  app.bus.on("reach", (frame) => {
    late = !frame.others;
    draw(last.state, last.retryAt);
  });
  app.bus.on("shown", () => draw(last.state, last.retryAt));
}
