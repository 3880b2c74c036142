// What one wrote, at once: shown before the server has it, in quiet ink, until the real message takes its place.
import { clock, full } from "../core/when.js";
import { say, t } from "../core/text.js";
import { el, icon, near } from "../core/dom.js";
import { avatar } from "../core/face.js";
import { wordsOf } from "./dress.js";
import { toast } from "./toasts.js";

/** @param {import("./room.js").Room} room */
export function startPending(room) {
  const { app, timeline, signal } = room;

  const add = (/** @type {import("../core/outbox.js").Pending} */ entry) => {
    if (entry.change.type !== "message" || timeline.pending(entry.nonce)) return;
    const real = timeline.log.querySelector(`li[data-nonce="${CSS.escape(entry.nonce)}"][data-author="${app.me.id}"]`);
    if (real) {
      app.outbox.settled(entry.nonce);
      return;
    }
    timeline.place.keep(() => {
      timeline.log.append(bubble(entry, app));
      timeline.arrange();
    });
    state(entry);
  };

  const state = (/** @type {import("../core/outbox.js").Pending} */ entry) => {
    const li = timeline.pending(entry.nonce);
    if (!li) return;
    const failed = entry.state === "failed";
    li.dataset.state = failed ? "failed" : "pending";
    const status = /** @type {HTMLElement} */ (li.querySelector(".status"));
    if (failed) {
      status.dataset.is = "failed";
      status.setAttribute("role", "alert");
      const why = entry.error?.code === "too_old" ? t("too_old") : say(entry.error);
      status.replaceChildren(
        icon("alert", "small"), el("span", {}, `${t("not_sent")} ${why}`),
        el("button", { type: "button", "data-retry": entry.nonce }, t("try_again")),
        el("button", { type: "button", "data-discard": entry.nonce }, t("discard")),
      );
      return;
    }
    delete status.dataset.is;
    status.removeAttribute("role");
    status.replaceChildren(...(app.open ? [icon("ring", "small ring"), t("sending")] : [icon("clock", "small"), t("waiting")]));
  };

  const gone = (/** @type {import("../core/outbox.js").Pending} */ entry) => {
    const li = timeline.pending(entry.nonce);
    if (!li) return;
    // Acknowledged: it stays, without a word, until its entry comes.
    if (entry.state !== "failed") {
      delete li.dataset.state;
      li.querySelector(".status")?.remove();
    } else timeline.place.keep(() => li.remove());
  };

  app.bus.on("outbox", ({ entry, what }) => {
    if (entry.change.room !== room.id) return;
    if (what === "added") add(entry);
    else if (what === "state") state(entry);
    else gone(entry);
  }, signal);
  app.bus.on("connection", () => app.outbox.entries.forEach(state), signal);
  timeline.box.addEventListener("click", (event) => {
    const retry = near(event, "[data-retry]");
    const discard = near(event, "[data-discard]");
    if (retry) app.outbox.retry(retry.dataset.retry);
    if (discard) app.outbox.discard(discard.dataset.discard);
  }, { signal });
  for (const entry of app.outbox.entries) if (entry.change.room === room.id) add(entry);
}

/** Changes other than messages that were refused are told in a toast. @param {import("./app.js").App} app */
export function tellRefusals(app) {
  app.bus.on("outbox", ({ entry, what }) => {
    if (what !== "state" || entry.state !== "failed" || entry.change.type === "message") return;
    toast(say(entry.error));
    app.bus.emit("refused", entry);
    app.outbox.discard(entry.nonce);
  });
}

/**
 * @param {Pick<import("../core/outbox.js").Pending, "nonce" | "at" | "shown"> & { change: any }} entry
 * @param {import("./app.js").App} app
 */
export function bubble(entry, app) {
  const { me } = app;
  const time = el("time", { datetime: new Date(entry.at).toISOString(), title: full(entry.at) }, clock(entry.at));
  const li = el(
    "li",
    { class: "message", tabindex: "-1", "data-pending": entry.nonce, "data-author": me.id, "data-at": String(entry.at), "data-kind": "text", "data-state": "pending" },
    avatar({ user: me.id, ...me }),
    el(
      "div", { class: "body" },
      el("div", { class: "by" }, el("button", { class: "author", type: "button", "data-person": me.id }, me.display), el("span", { class: "when" }, time)),
      el("div", { class: "text plain-text", dir: "auto" }, entry.change.text),
      el("p", { class: "status" }),
    ),
  );
  const files = entry.shown?.files;
  if (files) import("./attachments.js").then(({ drawn }) => li.querySelector(".text")?.after(drawn(files)));
  const to = entry.change.reply_to;
  if (to) {
    const original = /** @type {HTMLElement | null} */ (document.getElementById(`m${to}`));
    const name = original?.querySelector(".author")?.textContent ?? "";
    const excerpt = wordsOf(original);
    li.prepend(el("a", { class: "quoted", href: `?at=${to}`, "data-reply": String(to) }, el("b", {}, el("bdi", {}, name)), el("span", { class: "excerpt", dir: "auto" }, excerpt.slice(0, 140))));
  }
  return li;
}
