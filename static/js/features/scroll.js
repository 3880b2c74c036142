// Where the reader is in the timeline, and keeping them there. The timeline is a reversed column: at the newest line
// `scrollTop` is 0, further up it is negative, and what comes at the newest end pushes what is read. Nothing here
// relies on the browser's own anchoring.

/** So near to the newest line counts as being there, in pixels. */
const NEAR = 48;

export class Place {
  /** @type {HTMLElement} */ #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** Whether the newest line on show is in view. */
  get atEnd() {
    return this.#box.scrollTop > -NEAR;
  }

  /** How far the oldest and the newest line on show are, in pixels. */
  get distance() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    return { end: -scrollTop, start: scrollHeight - clientHeight + scrollTop };
  }

  toEnd() {
    this.#box.scrollTop = 0;
  }

  /**
   * Changes the timeline so that what is read stays where it is. At the newest line one stays there.
   * @template T @param {() => T} change @returns {T}
   */
  keep(change) {
    if (this.atEnd) {
      const result = change();
      this.toEnd();
      return result;
    }
    const anchors = this.#visible();
    const tops = anchors.map((line) => line.getBoundingClientRect().top);
    const result = change();
    const i = anchors.findIndex((line) => line.isConnected);
    if (i >= 0) this.#box.scrollTop += anchors[i].getBoundingClientRect().top - tops[i];
    return result;
  }

  /** Shows a line a third from the top. @param {Element} line */
  show(line) {
    const box = this.#box.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    this.#box.scrollTop += at.top - box.top - Math.min(box.height / 3, Math.max(0, box.height - at.height));
  }

  /** @param {Element} line */
  sees(line) {
    const box = this.#box.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    return at.bottom > box.top && at.top < box.bottom;
  }

  /** The lines in view, those in the middle first: they are the least likely to go. */
  #visible() {
    const lines = [...this.#box.querySelectorAll("li[data-seq]")];
    const box = this.#box.getBoundingClientRect();
    const middle = (box.top + box.bottom) / 2;
    return lines
      .map((line) => ({ line, at: line.getBoundingClientRect() }))
      .filter(({ at }) => at.bottom > box.top && at.top < box.bottom)
      .sort((a, b) => Math.abs(a.at.top - middle) - Math.abs(b.at.top - middle))
      .map(({ line }) => line);
  }
}
