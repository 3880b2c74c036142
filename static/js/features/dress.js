// A message comes the same for all its readers. Here it gets what differs: the reader's language, zone and eyes.
import { clock, full, lasted } from "../core/when.js";
import { parts, t } from "../core/text.js";
import { el, icon, tool } from "../core/dom.js";
import { linkRooms } from "./roomlinks.js";

/** Higher than this, in pixels, a message is folded. */
const FOLD_ABOVE = 560;
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,6}$/v;

/**
 * @param {HTMLElement} li
 * @param {import("./app.js").App} app
 */
export function dress(li, app) {
  times(li);
  if (li.dataset.kind === "system") {
    line(li, app);
    return;
  }
  const author = li.dataset.author ?? "";
  app.names.learn(author, li.querySelector(".author")?.textContent);
  li.toggleAttribute("data-own", author === app.me.id);
  const called = "everyone" in li.dataset || (li.dataset.mentions ?? "").split(" ").includes(app.me.id);
  li.toggleAttribute("data-you", called && author !== app.me.id);
  const quoted = li.querySelector(".quoted .excerpt");
  if (quoted && !quoted.textContent) quoted.textContent = t("deleted_message");
  const gone = li.querySelector(".gone");
  if (gone && !gone.firstChild) gone.append(icon("trash", "small"), t("deleted_message"));
  text(li, app);
  if (li.dataset.files) import("./attachments.js").then(({ dressFiles }) => dressFiles(li, app));
  marks(li);
  reactions(li, app);
}

/** @param {HTMLElement} li */
function times(li) {
  const time = li.querySelector("time");
  const at = Number(li.dataset.at);
  if (!time || !at) return;
  time.textContent = clock(at);
}

/** The whole date, when somebody points at the clock: most never do. @param {HTMLElement} time */
export function tellDate(time) {
  const at = Number(/** @type {HTMLElement | null} */ (time.closest("li"))?.dataset.at);
  if (at && !time.title) time.title = full(at);
}

/** @param {HTMLElement} li */
function marks(li) {
  const body = li.querySelector(".text");
  for (const old of li.querySelectorAll(".pinned-mark")) old.remove();
  if (!body) return;
  if (li.dataset.edited && !li.querySelector(".edited")) atEnd(body, el("small", { class: "edited", title: full(Date.parse(li.dataset.edited)) }, t("edited")));
  if ("pinned" in li.dataset) atEnd(body, el("small", { class: "pinned-mark" }, icon("pin", "small"), t("pinned")));
}

/** What a message says, without our marks. @param {Element | null | undefined} li */
export function wordsOf(li) {
  const words = /** @type {Element | undefined} */ (li?.querySelector(".text")?.cloneNode(true));
  for (const mark of words?.querySelectorAll(".edited, .pinned-mark") ?? []) mark.remove();
  return words?.textContent?.trim() ?? "";
}

/** Behind the last words. @param {Element} body @param {HTMLElement} mark */
function atEnd(body, mark) {
  const last = body.lastElementChild;
  if (last?.tagName === "P") last.append(" ", mark);
  else body.append(mark);
}

/** @param {HTMLElement} li @param {{ me: { id: string }, rooms: import("./roomlinks.js").Rooms | null }} app */
function text(li, app) {
  const body = /** @type {HTMLElement | null} */ (li.querySelector(".text"));
  if (!body) return;
  for (const mention of /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll(".mention[data-user]"))) {
    mention.dataset.person = mention.dataset.user;
    mention.toggleAttribute("data-me", mention.dataset.user === app.me.id);
  }
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (body.querySelectorAll("a[href]"))) {
    if (link.origin !== location.origin) link.target = "_blank";
  }
  linkRooms(body, app.rooms);
  for (const pre of body.querySelectorAll("pre")) if (!pre.closest(".codeblock")) block(pre);
  const words = body.textContent ?? "";
  if (words.length < 60 && ONLY_EMOJI.test(words.trim())) body.dataset.onlyEmoji = "";
}

/** @param {HTMLElement} pre */
function block(pre) {
  const code = pre.querySelector("code") ?? pre;
  const name = [...code.classList].find((one) => one.startsWith("language-"))?.slice(9) ?? "";
  const copy = tool("copy", t("copy_code"), { "data-copy-code": "" });
  const figure = el("figure", { class: "codeblock" }, el("figcaption", {}, el("span", {}, name), copy));
  pre.replaceWith(figure);
  pre.tabIndex = 0;
  pre.setAttribute("role", "group");
  pre.setAttribute("aria-label", name ? t("code_in", { name }) : t("code"));
  figure.append(pre);
  if (name) import("./code.js").then(({ paint }) => paint(code, name));
}

/** Folds it when it is very long. To be called when it is laid out. @param {HTMLElement} li */
export function fold(li) {
  const body = /** @type {HTMLElement | null} */ (li.querySelector(":scope > .body > .text"));
  if (!body || body.dataset.measured || body.offsetHeight < FOLD_ABOVE) return;
  body.dataset.measured = "yes";
  body.dataset.folded = "";
  body.after(el("button", { class: "unfold", type: "button", "data-unfold": "", "aria-expanded": "false" }, t("show_all")));
}

/** @param {HTMLElement} li @param {{ me: { id: string }, names: import("../core/names.js").Names, rooms: import("./roomlinks.js").Rooms | null }} app */
export function reactions(li, app) {
  const row = li.querySelector(".reactions");
  if (!row) return;
  const buttons = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("button[data-emoji]")]);
  for (const button of buttons) {
    const users = (button.dataset.users ?? "").split(" ").filter(Boolean);
    const names = users.slice(0, 12).map((user) => (user === app.me.id ? t("you") : (app.names.get(user) ?? t("somebody"))));
    const who = names.join(", ") + (users.length > 12 ? ` +${users.length - 12}` : "");
    button.setAttribute("aria-pressed", String(users.includes(app.me.id)));
    button.setAttribute("aria-label", t("reaction", { emoji: button.dataset.emoji ?? "", n: users.length, who }));
    button.title = who;
    const num = button.querySelector(".num");
    if (num) num.textContent = String(users.length);
  }
  if (!row.querySelector(".add")) {
    row.append(el("button", { class: "add", type: "button", "data-act": "react", "aria-label": t("add_reaction") }, icon("smile", "small")));
  }
}

/** A line about the room, as a sentence. @param {HTMLElement} li @param {{ me: { id: string } }} app */
function line(li, app) {
  const { what = "", author = "", authorName = "", user, userName = "", name = "", topic = "" } = li.dataset;
  const p = li.querySelector("p");
  const time = li.querySelector("time");
  if (!p || !time || li.dataset.told) return;
  li.dataset.told = "yes";
  if (what === "call") {
    call(li, app, p, time);
    return;
  }
  const self = !user || user === author;
  const key = what === "joined" || what === "removed" ? `line_${what}${self ? "" : "_by"}` : `line_${what}${what === "topic" && !topic ? "_none" : ""}`;
  const bold = (/** @type {string} */ words) => el("b", {}, el("bdi", {}, words));
  const shown = (/** @type {string} */ id, /** @type {string} */ words) => bold(id === app.me.id ? `${words} (${t("you")})` : words);
  p.replaceChildren(
    ...parts(key, { who: shown(author, authorName), whom: shown(user ?? author, userName || authorName), name: bold(name), topic: el("bdi", {}, topic) }),
    " ",
    time,
  );
}

/**
 * A call that is over: by whom, how long, or that nobody answered.
 * @param {HTMLElement} li @param {{ me: { id: string } }} app @param {HTMLElement} p @param {HTMLElement} time
 */
function call(li, app, p, time) {
  const { author = "", authorName = "", outcome = "", length = "0", people = "" } = li.dataset;
  const own = author === app.me.id;
  const there = people.split(" ").includes(app.me.id);
  const who = el("b", {}, el("bdi", {}, own ? `${authorName} (${t("you")})` : authorName));
  const missed = outcome !== "finished";
  const words = outcome === "finished" ? "line_called" : outcome === "declined" ? "line_call_declined" : own || there ? "line_call_unanswered" : "line_call_missed";
  if (missed) li.dataset.is = "missed";
  li.querySelector(":scope > .icon")?.replaceWith(icon(missed ? "missed" : "phone"));
  p.replaceChildren(...parts(words, { who, length: lasted(Number(length)) }), " ", time);
  if (missed && !own) p.append(" ", el("button", { class: "link", type: "button", "data-call": li.closest("main")?.dataset.room }, t("call_back")));
}
