// Editing in place: the text as it was written, where the message stands. Escape leaves, Enter saves.
import { el } from "../core/dom.js";
import { t } from "../core/text.js";
import { api } from "../core/api.js";
import { LIMIT } from "./composer.js";
import { toast } from "./toasts.js";

/** @param {import("./room.js").Room} room */
export function startEditing(room) {
  const { app, timeline, signal } = room;
  /** @type {{ seq: number, form: HTMLElement } | null} */
  let open = null;

  const close = () => {
    if (!open) return;
    const li = timeline.line(open.seq);
    const { form } = open;
    open = null;
    timeline.place.keep(() => {
      form.remove();
      li?.querySelector(".text")?.removeAttribute("hidden");
    });
    app.bus.emit("focus-composer");
  };
  const put = (/** @type {HTMLElement} */ li, /** @type {HTMLElement} */ form) => {
    const text = li.querySelector(".text");
    // A message may have files and no words.
    const files = li.querySelector(".files");
    text?.setAttribute("hidden", "");
    if (text) text.after(form);
    else files?.before(form);
    return !!(text ?? files);
  };

  const edit = async (/** @type {HTMLElement} */ li) => {
    close();
    const seq = Number(li.dataset.seq);
    let message;
    try {
      message = await api("GET", `/api/rooms/${room.id}/messages/${seq}`);
    } catch {
      toast(t("not_loaded"));
      return;
    }
    if (signal.aborted || message.kind !== "text") return;
    const field = el("textarea", { class: "input", rows: "1", dir: "auto", "aria-label": t("edit_message") });
    field.value = message.text;
    const save = el("button", { class: "button primary small", type: "submit" }, t("save"));
    const leave = el("button", { class: "button quiet small", type: "button" }, t("cancel"));
    const form = el("form", { class: "editing" }, field, el("div", { class: "ends" }, save, leave, el("span", { class: "desk-only" }, t("edit_hint"))));
    leave.addEventListener("click", close);
    field.addEventListener("input", () => (save.disabled = (!field.value.trim() && !message.files) || [...field.value].length > LIMIT));
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = field.value.trimEnd();
      if ((!text.trim() && !message.files) || save.disabled) return;
      close();
      if (text === message.text) return;
      const now = timeline.line(seq);
      if (now) now.dataset.state = "pending";
      app.outbox.add({ type: "edit", room: room.id, seq, base: message.base, text });
    });
    const now = timeline.line(seq);
    if (!now) return;
    timeline.place.keep(() => {
      if (put(now, form)) open = { seq, form };
    });
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    now.scrollIntoView({ block: "nearest" });
  };

  app.bus.on("edit", edit, signal);
  // Its message changed meanwhile: the form moves over, or goes with a deleted one.
  app.bus.on("line", ({ li }) => {
    if (!open || Number(li.dataset.seq) !== open.seq || open.form.isConnected) return;
    if (!put(li, open.form)) open = null;
  }, signal);
}
