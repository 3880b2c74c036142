// Files that hang from messages: their sizes in the reader's words, their first blur, players and previews.
import { all, el, find, icon } from "../core/dom.js";
import { ending, shown } from "../core/filename.js";
import { size } from "../core/size.js";
import { t } from "../core/text.js";
import { decode } from "../core/thumbhash.js";
import { place } from "./voice.js";

/** @typedef {import("../core/upload.js").Stored} Stored */

/** Texts up to this size are shown where they stand, in bytes; folded beyond these lines. */
const READABLE = 128 * 1024;
const FOLD_ABOVE = 12;

/** What comes into view soon. */
const soon = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    soon.unobserve(target);
    target.dispatchEvent(new CustomEvent("near"));
  }
}, { rootMargin: "300px" });

/** @param {HTMLElement} root  a message @param {import("./app.js").App} app */
export function dressFiles(root, app) {
  const files = find(":scope > .body > .files", root);
  if (!files || files.dataset.dressed) return;
  files.dataset.dressed = "yes";
  for (const image of all("a.image", files)) blur(image);
  for (const note of all("[data-bytes] small", files)) {
    const { name, bytes } = note.closest("[data-bytes]").dataset;
    note.textContent = described(name, Number(bytes));
  }
  for (const link of all("a.tool[download]", files)) named(link, t("download", { name: link.getAttribute("aria-label") }));
  for (const video of all("video, figure.audio audio", files)) video.setAttribute("aria-label", video.closest("[data-name]").dataset.name);
  for (const box of all(".voice", files)) place(box, app);
  for (const card of all('.card[data-kind="text"]', files)) {
    if (Number(card.dataset.bytes) > READABLE) continue;
    card.addEventListener("near", () => read(card, root, app), { once: true });
    soon.observe(card);
  }
}

/** What kind of file it is, and how large. @param {string} name @param {number} bytes */
export function described(name, bytes) {
  const kind = ending(name).toUpperCase();
  return kind ? `${kind} · ${size(bytes)}` : size(bytes);
}

/** @param {Element} element @param {string} label */
function named(element, label) {
  element.setAttribute("aria-label", label);
  element.setAttribute("title", label);
}

/** The blur, until the picture is there. @param {HTMLElement} link */
export function blur(link) {
  const img = /** @type {HTMLImageElement} */ (find("img", link));
  const hash = img.dataset.placeholder ? decode(img.dataset.placeholder) : null;
  if (!hash || (img.complete && img.naturalWidth)) return;
  const canvas = el("canvas", { width: String(hash.width), height: String(hash.height), "aria-hidden": "true" });
  canvas.getContext("2d")?.putImageData(new ImageData(hash.data, hash.width, hash.height), 0, 0);
  link.append(canvas);
  const gone = () => canvas.remove();
  img.addEventListener("load", gone, { once: true });
  img.addEventListener("error", gone, { once: true });
}

/** @param {HTMLElement} card @param {HTMLElement} root @param {import("./app.js").App} app */
async function read(card, root, app) {
  const { url = "", name = "" } = card.dataset;
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok || !card.isConnected) return;
  const lines = (await answer.text()).replace(/\n$/, "").split("\n");
  const code = el("code");
  const pre = el("pre", { tabindex: "0", role: "group", "aria-label": t("code_in", { name }) }, code);
  const fill = async (/** @type {boolean} */ whole) => {
    code.textContent = lines.slice(0, whole ? undefined : FOLD_ABOVE).join("\n");
    const { paint } = await import("./code.js");
    paint(code, ending(name));
  };
  await fill(false);
  const figure = el("figure", { class: "codeblock reading" }, pre);
  if (lines.length > FOLD_ABOVE) {
    const more = el("button", { class: "unfold", type: "button", "aria-expanded": "false" }, t("show_lines", { n: lines.length }));
    more.addEventListener("click", async () => {
      const open = more.getAttribute("aria-expanded") !== "true";
      more.setAttribute("aria-expanded", String(open));
      more.textContent = open ? t("show_less") : t("show_lines", { n: lines.length });
      await fill(open);
    });
    figure.append(more);
  }
  const put = () => card.after(figure);
  if (app.room && root.isConnected) app.room.timeline.place.keep(put);
  else put();
}

/** What begins to sound silences all else. */
document.addEventListener("play", (event) => {
  for (const one of all("video, audio")) if (one !== event.target) one.pause();
}, true);

/** Files of a message that isn't stored yet. @param {Stored[]} files */
export function drawn(files) {
  const pictures = files.filter(({ kind }) => kind === "image");
  const others = files.filter(({ kind }) => kind !== "image");
  return el("div", { class: "files" },
    ...(pictures.length ? [el("div", { class: "images", "data-count": String(pictures.length) }, ...pictures.map(image))] : []),
    ...others.map(({ fileName, fileSize }) => card(fileName, fileSize)));
}

/** @param {import("../core/parcel.js").Item[]} items */
export const sketch = (items) => el("div", { class: "files" }, ...items.map((item) => card(item.name, item.size, item.thumb)));

/** A picture that is only here. @param {Blob} blob */
export function local(blob) {
  const url = URL.createObjectURL(blob);
  const img = el("img", { src: url, alt: "" });
  img.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  return img;
}

/** @param {string} name @param {number} bytes @param {Blob | null} [thumb] */
const card = (name, bytes, thumb) =>
  el("div", { class: "card" }, el("span", { class: "glyph" }, thumb ? local(thumb) : icon("file")), el("div", {}, el("b", {}, el("bdi", {}, shown(name))), el("small", {}, described(name, bytes))));

/** As the server draws it, within the same bounds. @param {Stored} file */
export function image({ id, fileUrl, fileName, fileSize, width = 0, height = 0, thumbs = [], placeholder = "" }) {
  const by = Math.min(1, 496 / (width || 1), 352 / (height || 1));
  const img = el("img", { src: thumbs[0]?.url ?? fileUrl, width: String(Math.round(width * by)), height: String(Math.round(height * by)), alt: fileName, decoding: "async", loading: "lazy", "data-placeholder": placeholder || undefined });
  const link = el("a", { class: "image", href: fileUrl, "data-file": id, "data-kind": "image", "data-name": fileName, "data-bytes": String(fileSize), "data-width": String(width), "data-height": String(height) }, img);
  blur(link);
  return link;
}

