// What one can do with a message: a toolbar beside the one that is pointed at or focused, a menu, keys, a long press.
import { el, find, near, place, tool, icon } from "../core/dom.js";
import { t } from "../core/text.js";
import { api } from "../core/api.js";
import { tellDate, wordsOf } from "./dress.js";
import { toast } from "./toasts.js";

/** A finger that rests this long means the menu, if it moves less than this. */
const PRESS_MS = 450;
const STILL_PX = 10;
const QUICK = ["👍", "❤️", "😂", "🎉", "👀"];

/** @param {import("./room.js").Room} room */
export function startActions(room) {
  const { app, timeline, signal } = room;
  const { box } = timeline;
  const bar = el("div", { class: "actions", role: "toolbar", "aria-label": t("message_actions"), hidden: true });
  const menu = el("div", { class: "menu sheet-menu", popover: "auto", role: "menu", "aria-label": t("message_actions") });
  room.main.append(menu);
  /** @type {HTMLElement | null} */
  let on = null;

  const may = (/** @type {HTMLElement} */ li) => {
    const text = li.dataset.kind === "text" && "seq" in li.dataset;
    const own = li.dataset.author === app.me.id;
    return { write: text && room.joined && !!find("#compose"), edit: text && own && room.joined, remove: text && room.joined && (own || room.role === "owner"), pin: text && room.joined };
  };
  const show = (/** @type {HTMLElement | null} */ li) => {
    if (menu.matches(":popover-open") || bar.contains(document.activeElement)) return;
    if (on === li && bar.isConnected) return;
    on = li;
    bar.hidden = !li || !("seq" in li.dataset) || li.dataset.kind !== "text";
    if (!li || bar.hidden) {
      bar.remove();
      return;
    }
    const { write, edit } = may(li);
    bar.replaceChildren(
      ...(write ? [tool("smile", t("add_reaction"), { "data-act": "react" }), tool("reply", t("reply"), { "data-act": "reply" })] : []),
      ...(edit ? [tool("edit", t("edit"), { "data-act": "edit" })] : []),
      tool("more", t("more"), { "data-act": "menu", "aria-haspopup": "menu" }),
    );
    li.append(bar);
  };
  const line = (/** @type {Event} */ event) => /** @type {HTMLElement | null} */ (near(event, "li[data-seq]"));

  const open = (/** @type {HTMLElement} */ li, /** @type {DOMRect} */ beside) => {
    const { write, edit, remove, pin } = may(li);
    const item = (/** @type {string} */ act, /** @type {string} */ name, /** @type {string} */ label, cls = "") =>
      el("button", { type: "button", role: "menuitem", "data-act": act, class: cls || undefined }, icon(name), label);
    const quick = el("div", { class: "quick", role: "group", "aria-label": t("add_reaction") }, ...QUICK.map((emoji) => el("button", { type: "button", role: "menuitem", "data-quick": emoji, "aria-label": emoji }, emoji)));
    menu.replaceChildren(
      ...(write ? [quick, item("react", "smile", t("add_reaction")), item("reply", "reply", t("reply"))] : []),
      ...(edit ? [item("edit", "edit", t("edit"))] : []),
      ...(pin ? [item("pin", "pin", t("pinned" in li.dataset ? "unpin" : "pin"))] : []),
      ...(li.dataset.kind === "text" ? [item("copy", "copy", t("copy_text"))] : []),
      item("link", "link", t("copy_link")),
      ...(li.querySelector(".reactions button[data-emoji]") ? [item("who", "people", t("who_reacted"))] : []),
      ...(remove ? [el("hr"), item("delete", "trash", t("delete"), "danger")] : []),
    );
    on = li;
    menu.showPopover();
    place(menu, beside, "end");
    menu.querySelector("button")?.focus();
  };

  const act = async (/** @type {string} */ what, /** @type {HTMLElement} */ li, /** @type {Element} */ from) => {
    const seq = Number(li.dataset.seq);
    menu.popover = "auto";
    if (what === "menu") open(li, from.getBoundingClientRect());
    else if (what === "reply") app.bus.emit("reply", li);
    else if (what === "edit") app.bus.emit("edit", li);
    else if (what === "react") app.bus.emit("pick", { beside: from.isConnected && from.getClientRects().length ? from : li, then: (/** @type {string} */ emoji) => react(seq, emoji, true) });
    else if (what === "pin") app.outbox.add({ type: "pin", room: room.id, seq, on: !("pinned" in li.dataset) });
    else if (what === "link") copy(`${location.origin}/rooms/${room.id}?at=${seq}`);
    else if (what === "copy") copy((await api("GET", `/api/rooms/${room.id}/messages/${seq}`).catch(() => null))?.text ?? wordsOf(li));
    else if (what === "who") (await import("./reacted.js")).showReacted(li, app);
    else if (what === "delete") {
      const { ask } = await import("./dialogs.js");
      const quote = wordsOf(li).slice(0, 300);
      if (!(await ask({ title: t("delete_title"), text: t("delete_text"), quote, action: t("delete"), danger: true }))) return;
      app.outbox.add({ type: "delete", room: room.id, seq });
      li.dataset.state = "pending";
    }
  };
  const react = (/** @type {number} */ seq, /** @type {string} */ emoji, /** @type {boolean} */ onIt) => {
    timeline.react({ seq, rev: 0, emoji, user: app.me.id, on: onIt }, true);
    app.outbox.add({ type: "react", room: room.id, seq, emoji, on: onIt });
  };
  const copy = (/** @type {string} */ text) => navigator.clipboard.writeText(text).then(() => toast(t("copied")), () => toast(t("not_copied")));

  app.bus.on("refused", ({ change }) => {
    const li = timeline.line(change.seq);
    if (!li || change.room !== room.id) return;
    delete li.dataset.state;
    if (change.type === "react") timeline.react({ seq: change.seq, rev: 0, emoji: change.emoji, user: app.me.id, on: !change.on }, true);
  }, signal);

  box.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const li = line(event);
    // Where one points goes before where the last click left the focus.
    if (li && li !== on && bar.contains(document.activeElement) && !menu.matches(":popover-open")) on?.focus({ preventScroll: true });
    show(li);
    const time = near(event, "time");
    if (time) tellDate(time);
  }, { signal });
  box.addEventListener("pointerleave", () => show(null), { signal });
  box.addEventListener("focusin", (event) => show(line(event)), { signal });
  box.addEventListener("focusout", (event) => !box.contains(/** @type {Node | null} */ (event.relatedTarget)) && show(null), { signal });
  app.bus.on("line", ({ known }) => known && on === known && ((on = null), bar.remove()), signal);

  box.addEventListener("click", (event) => {
    const li = line(event);
    const button = near(event, "[data-act]");
    const emoji = near(event, ".reactions button[data-emoji]");
    const code = near(event, "[data-copy-code]");
    const unfold = near(event, "[data-unfold]");
    if (code) copy(code.closest(".codeblock").querySelector("pre").textContent);
    else if (unfold) {
      unfold.previousElementSibling.removeAttribute("data-folded");
      unfold.remove();
    } else if (li && button) act(button.dataset.act, li, button);
    else if (li && emoji && room.joined) react(Number(li.dataset.seq), emoji.dataset.emoji, emoji.getAttribute("aria-pressed") !== "true");
  }, { signal });
  menu.addEventListener("click", (/** @type {Event} */ event) => {
    const li = on;
    const button = near(event, "[data-act]");
    const quick = near(event, "[data-quick]");
    if (!li || (!button && !quick)) return;
    menu.hidePopover();
    if (quick) react(Number(li.dataset.seq), quick.dataset.quick, true);
    else act(button.dataset.act, li, button);
  });
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("button")];
    items[(items.indexOf(/** @type {any} */ (document.activeElement)) + step + items.length) % items.length].focus();
  });
  menu.addEventListener("toggle", (/** @type {any} */ event) => {
    if (event.newState === "closed" && (document.activeElement === document.body || menu.contains(document.activeElement))) on?.focus({ preventScroll: true });
  });

  // A long press opens the menu where there is no pointer that hovers.
  let press = /** @type {any} */ (0);
  let from = { x: 0, y: 0 };
  box.addEventListener("pointerdown", (event) => {
    const li = line(event);
    if (event.pointerType === "mouse" || !li || near(event, "button, a")) return;
    from = { x: event.clientX, y: event.clientY };
    clearTimeout(press);
    press = setTimeout(() => {
      getSelection()?.removeAllRanges();
      menu.popover = "manual";
      open(li, new DOMRect(from.x, from.y, 0, 0));
    }, PRESS_MS);
  }, { signal });
  // Lifting the finger would close a menu that closes by itself, and click what lies beneath it: so it is closed here.
  document.addEventListener("pointerdown", (event) => {
    if (menu.popover === "manual" && !menu.contains(/** @type {Node} */ (event.target))) menu.hidePopover();
  }, { signal, capture: true });
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && menu.hidePopover());
  let touched = 0;
  menu.addEventListener("pointerdown", () => (touched = Date.now()));
  menu.addEventListener("click", (/** @type {Event} */ event) => {
    if (menu.popover === "manual" && !touched) event.stopImmediatePropagation();
  }, { capture: true });
  menu.addEventListener("toggle", () => (touched = 0));
  for (const end of ["pointerup", "pointercancel", "scroll"]) box.addEventListener(end, () => clearTimeout(press), { signal, passive: true });
  box.addEventListener("pointermove", (event) => Math.hypot(event.clientX - from.x, event.clientY - from.y) > STILL_PX && clearTimeout(press), { signal, passive: true });
  box.addEventListener("contextmenu", (event) => matchMedia("(hover: none)").matches && event.preventDefault(), { signal });

  // By keyboard: arrows walk the messages; a letter does what the toolbar does.
  box.addEventListener("keydown", (event) => {
    const lines = /** @type {HTMLElement[]} */ ([...timeline.log.querySelectorAll("li[data-seq], li[data-pending]")]);
    const at = lines.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const within = at >= 0;
    if (event.target !== box && !within) return;
    const to = { ArrowUp: within ? at - 1 : lines.length - 1, ArrowDown: at + 1, Home: 0, End: lines.length - 1 }[event.key];
    if (to !== undefined && !(event.key === "ArrowDown" && !within)) {
      event.preventDefault();
      if (to >= lines.length) app.bus.emit("focus-composer");
      else lines[Math.max(0, to)].focus();
      return;
    }
    if (!within || event.ctrlKey || event.metaKey || event.altKey) return;
    const li = lines[at];
    const { write, edit, remove, pin } = may(li);
    const key = event.key.toLowerCase();
    const what = key === "enter" || key === "m" ? "menu" : key === "r" && write ? "reply" : key === "e" && edit ? "edit" : (key === "+" || key === ":") && write ? "react" : key === "p" && pin ? "pin" : key === "c" ? "copy" : key === "delete" && remove ? "delete" : "";
    if (!what || !("seq" in li.dataset)) return;
    event.preventDefault();
    act(what, li, bar.isConnected ? bar : li);
  }, { signal });
  signal.addEventListener("abort", () => menu.remove());
}
