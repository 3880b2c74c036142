// Small helpers to make elements. Text always goes in as text.

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name @param {string} [extra] */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A round-cornered button with an icon. @param {string} name @param {string} label @param {Record<string, string>} [attributes] */
export function tool(name, label, attributes = {}) {
  return el("button", { class: "tool", type: "button", "aria-label": label, title: label, ...attributes }, icon(name));
}

/** @param {string} selector @param {ParentNode} [root] @returns {any} */
export const find = (selector, root = document) => root.querySelector(selector);

/** @param {string} selector @param {ParentNode} [root] @returns {any[]} */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * The nearest element around an event's target that fits, if any.
 * @param {Event} event @param {string} selector @returns {any}
 */
export const near = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

/** @param {number} ms @param {(...args: any[]) => void} run */
export function debounce(ms, run) {
  /** @type {any} */
  let timer = 0;
  const later = (/** @type {any[]} */ ...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/**
 * Puts a popover beside what opened it, within the window.
 * @param {HTMLElement} popover @param {DOMRect} beside @param {"start" | "end"} [edge]
 */
export function place(popover, beside, edge = "start") {
  const { offsetWidth: width, offsetHeight: height } = popover;
  const gap = 6;
  const below = beside.bottom + gap + height < innerHeight;
  const top = below ? beside.bottom + gap : Math.max(gap, beside.top - gap - height);
  const wanted = edge === "start" ? beside.left : beside.right - width;
  popover.style.insetBlockStart = `${Math.min(top, Math.max(gap, innerHeight - height - gap))}px`;
  popover.style.insetInlineStart = `${Math.max(gap, Math.min(wanted, innerWidth - width - gap))}px`;
  popover.style.insetBlockEnd = popover.style.insetInlineEnd = "auto";
}
