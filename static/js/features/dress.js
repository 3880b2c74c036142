// A message comes the same for all its readers. Here it gets what differs: the reader's language, zone and eyes.
import { clock, full } from "../core/when.js";
import { parts, t } from "../core/text.js";
import { el, icon, tool } from "../core/dom.js";

/** Higher than this, in pixels, a message is folded. */
const FOLD_ABOVE = 560;
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,6}$/v;

/**
 * @param {HTMLElement} li
 * @param {{ me: { id: string }, names: import("../core/names.js").Names }} app
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
  marks(li);
  text(li, app);
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
  const by = li.querySelector(".by");
  li.querySelector(".pinned-mark")?.remove();
  if ("pinned" in li.dataset && by) {
    li.querySelector(".body")?.prepend(el("p", { class: "pinned-mark" }, icon("pin", "small"), t("pinned")));
  }
  const body = li.querySelector(".text");
  if (li.dataset.edited && body && !li.querySelector(".edited")) {
    const mark = el("small", { class: "edited", title: full(Date.parse(li.dataset.edited)) }, t("edited"));
    const last = body.lastElementChild;
    if (last?.tagName === "P") last.append(" ", mark);
    else body.append(mark);
  }
}

/** @param {HTMLElement} li @param {{ me: { id: string } }} app */
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

/** @param {HTMLElement} li @param {{ me: { id: string }, names: import("../core/names.js").Names }} app */
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
