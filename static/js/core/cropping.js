// The square that is cut out of a picture: moved and zoomed, never beyond its edges. Pure.

/** How much closer than the whole picture one may look. */
export const CLOSEST = 8;

export class Crop {
  /** The square's side, as a part of the picture's shorter side: 1 is all of it. */
  #zoom = 1;
  #x;
  #y;

  /** @param {number} width @param {number} height  of the picture, in its pixels */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.#x = width / 2;
    this.#y = height / 2;
  }

  get zoom() {
    return this.#zoom;
  }

  /** The square in the picture's pixels. */
  get square() {
    const side = Math.min(this.width, this.height) / this.#zoom;
    return { x: this.#x - side / 2, y: this.#y - side / 2, side };
  }

  /** Moves the picture under the square, by parts of the square's side. @param {number} dx @param {number} dy */
  move(dx, dy) {
    const { side } = this.square;
    this.#x -= dx * side;
    this.#y -= dy * side;
    this.#hold();
  }

  /**
   * @param {number} zoom
   * @param {{ x: number, y: number }} [around]  what stays where it is, in parts of the square's side
   */
  to(zoom, around = { x: 0.5, y: 0.5 }) {
    const before = this.square;
    this.#zoom = Math.min(CLOSEST, Math.max(1, zoom));
    const { side } = this.square;
    this.#x += (around.x - 0.5) * (before.side - side);
    this.#y += (around.y - 0.5) * (before.side - side);
    this.#hold();
  }

  #hold() {
    const half = this.square.side / 2;
    this.#x = Math.min(this.width - half, Math.max(half, this.#x));
    this.#y = Math.min(this.height - half, Math.max(half, this.#y));
  }
}
