// Pictures, large: one after the other, closer, and away again, by keys, pointer and finger.
import { el, tool } from "../core/dom.js";
import { sheet } from "../core/sheet.js";
import { t } from "../core/text.js";
import { full } from "../core/when.js";
import { described } from "./attachments.js";

/** How far a finger moves to mean the next picture, in pixels; and the steps of looking closer. */
const SWIPE = 60;
const ZOOMS = [1, 2, 4];

/**
 * @param {HTMLAnchorElement[]} links  all that one may move between @param {HTMLElement} first
 */
export async function lightbox(links, first) {
  await sheet("lightbox");
  new Lightbox(links, Math.max(0, links.indexOf(/** @type {HTMLAnchorElement} */ (first)))).open();
}

class Lightbox {
  #at;
  /** 0 fits the window; else how many of its pixels are shown as one times the first look. */
  #zoom = 0;
  #links;
  #img = el("img", { alt: "" });
  #stage = el("div", { class: "stage", tabindex: "-1" }, this.#img);
  #name = el("bdi");
  #note = el("small");
  #where = el("span", { class: "num", role: "status" });
  #closer = tool("search", t("zoom_in"), { "aria-pressed": "false" });
  #save = el("a", { class: "tool", download: "" });
  #before = tool("back", t("picture_before"), { class: "tool before" });
  #after = tool("back", t("picture_after"), { class: "tool after" });

  /** @param {HTMLAnchorElement[]} links @param {number} at */
  constructor(links, at) {
    this.#links = links;
    this.#at = at;
    const shut = tool("close", t("close"));
    this.#save.append(tool("download", "").firstChild);
    this.box = /** @type {HTMLDialogElement} */ (el("dialog", { class: "lightbox", "aria-label": t("picture") },
      el("header", {}, el("div", { class: "lines" }, el("b", {}, this.#name), this.#note), this.#where, this.#closer, this.#save, shut),
      this.#stage, this.#before, this.#after));
    shut.addEventListener("click", () => this.box.close());
    this.#before.addEventListener("click", () => this.#go(-1));
    this.#after.addEventListener("click", () => this.#go(1));
    this.#closer.addEventListener("click", () => this.#look(this.#zoom ? 0 : 1));
    this.#img.addEventListener("dblclick", () => this.#look(this.#zoom ? 0 : 1));
    this.#stage.addEventListener("click", (/** @type {Event} */ event) => event.target === this.#stage && !this.#zoom && this.box.close());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("close", () => this.box.remove());
    this.#drag();
  }

  open() {
    document.body.append(this.box);
    this.box.showModal();
    this.#show();
    this.#stage.focus();
  }

  /** @param {number} step */
  #go(step) {
    const at = this.#at + step;
    if (at < 0 || at >= this.#links.length) return;
    this.#at = at;
    this.#show();
  }

  #show() {
    const link = this.#links[this.#at];
    const { name = "", bytes } = link.dataset;
    const line = link.closest("li");
    const who = line?.querySelector(".author")?.textContent ?? link.dataset.who ?? "";
    const at = Number(line?.dataset.at ?? link.dataset.at);
    this.#look(0);
    this.#name.textContent = name;
    this.#note.textContent = [who, at ? full(at) : "", described(name, Number(bytes))].filter(Boolean).join(" · ");
    this.#where.textContent = t("of", { n: this.#at + 1, all: this.#links.length });
    this.#where.hidden = this.#links.length < 2;
    this.#before.hidden = this.#at === 0;
    this.#after.hidden = this.#at === this.#links.length - 1;
    this.#save.href = link.href;
    this.#save.download = name;
    this.#save.setAttribute("aria-label", t("download", { name }));
    this.#img.alt = name;
    this.#large(link);
  }

  /** What is here already is shown until the whole picture has come. @param {HTMLAnchorElement} link */
  #large(link) {
    const small = /** @type {HTMLImageElement | null} */ (link.querySelector("img"));
    const { width = "", height = "" } = link.dataset;
    this.#img.width = Number(width) || small?.naturalWidth || 0;
    this.#img.height = Number(height) || small?.naturalHeight || 0;
    this.#img.src = small?.currentSrc || link.href;
    const whole = new Image();
    whole.src = link.href;
    whole.decode().then(() => {
      if (this.#links[this.#at] === link) this.#img.src = link.href;
    }, () => {});
  }

  /** @param {number} zoom */
  #look(zoom) {
    this.#zoom = zoom;
    this.box.toggleAttribute("data-close", zoom > 0);
    this.#img.style.inlineSize = zoom ? `${this.#img.width * zoom}px` : "";
    this.#closer.setAttribute("aria-pressed", String(zoom > 0));
    if (zoom) {
      this.#stage.scrollLeft = (this.#stage.scrollWidth - this.#stage.clientWidth) / 2;
      this.#stage.scrollTop = (this.#stage.scrollHeight - this.#stage.clientHeight) / 2;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rtl = getComputedStyle(this.box).direction === "rtl" ? -1 : 1;
    const { key } = event;
    if (key === "+" || key === "=") this.#look(ZOOMS[Math.min(ZOOMS.length - 1, ZOOMS.indexOf(this.#zoom) + 1)]);
    else if (key === "-") this.#look(ZOOMS[ZOOMS.indexOf(this.#zoom) - 1] ?? 0);
    else if (key === "0") this.#look(0);
    else if (this.#zoom && key.startsWith("Arrow")) return;
    else if (key === "ArrowRight") this.#go(rtl);
    else if (key === "ArrowLeft") this.#go(-rtl);
    else if (key === "Home") this.#go(-this.#at);
    else if (key === "End") this.#go(this.#links.length - 1 - this.#at);
    else return;
    event.preventDefault();
  }

  /** Drawn near, the picture is moved by hand; else a swipe leads on. */
  #drag() {
    /** @type {{ x: number, y: number, left: number, top: number } | null} */
    let from = null;
    this.#stage.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      from = { x: event.clientX, y: event.clientY, left: this.#stage.scrollLeft, top: this.#stage.scrollTop };
    });
    this.#stage.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!from || !this.#zoom || event.pointerType !== "mouse") return;
      this.#stage.scrollLeft = from.left - (event.clientX - from.x);
      this.#stage.scrollTop = from.top - (event.clientY - from.y);
    });
    const end = (/** @type {PointerEvent} */ event) => {
      const by = from ? event.clientX - from.x : 0;
      const level = from && Math.abs(event.clientY - from.y) < Math.abs(by);
      from = null;
      if (this.#zoom || !level || Math.abs(by) < SWIPE) return;
      this.#go(by < 0 ? 1 : -1);
    };
    this.#stage.addEventListener("pointerup", end);
    this.#stage.addEventListener("pointercancel", end);
    this.#img.addEventListener("dragstart", (/** @type {Event} */ event) => event.preventDefault());
  }
}
