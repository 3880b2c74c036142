// The mail of one link: counted, acknowledged, sent again. What is lost, doubled or late on the way is delivered once each,
// in order. Pure but for timers that are passed in. See docs/protocol.md, "Links".

/** When what isn't acknowledged is sent again; the last for as long as it takes. */
const AGAIN_MS = [1000, 2000, 4000];
/** An acknowledgement waits for company this long. */
const ACK_AFTER_MS = 50;
/** Letters beyond a gap that are kept, and letters without an acknowledgement. */
const AHEAD_AT_MOST = 256;

/**
 * @typedef {{ n: number, [field: string]: any }} Letter
 * @typedef {{ send: (letter: Letter) => void, ack: (n: number) => void, deliver: (letter: Letter) => void,
 *   overrun?: () => void, later?: (ms: number, then: () => void) => any, stop?: (timer: any) => void }} Ports
 */

export class Courier {
  /** @type {Required<Ports>} */ #ports;
  /** @type {Letter[]} not acknowledged */ #out = [];
  /** @type {Map<number, Letter>} beyond a gap */ #aside = new Map();
  #sent = 0;
  #taken = 0;
  #tries = 0;
  /** @type {any} */ #again = null;
  /** @type {any} */ #acking = null;
  #over = false;

  /** @param {Ports} ports */
  constructor(ports) {
    this.#ports = {
      overrun: () => {},
      later: (ms, then) => setTimeout(then, ms),
      stop: (timer) => clearTimeout(timer),
      ...ports,
    };
  }

  /** Letters that the other end hasn't acknowledged. */
  get waiting() {
    return this.#out.length;
  }

  /** @param {Record<string, any>} body */
  post(body) {
    if (this.#over) return;
    if (this.#out.length >= AHEAD_AT_MOST) {
      this.#ports.overrun();
      return;
    }
    const letter = { ...body, n: ++this.#sent };
    this.#out.push(letter);
    this.#ports.send(letter);
    if (this.#again === null) this.#wait();
  }

  /** A letter came. @param {Letter} letter */
  take(letter) {
    if (this.#over) return;
    const { n } = letter;
    if (n > this.#taken && n <= this.#taken + AHEAD_AT_MOST) this.#aside.set(n, letter);
    for (;;) {
      const next = this.#aside.get(this.#taken + 1);
      if (!next || this.#over) break;
      this.#aside.delete(next.n);
      this.#taken = next.n;
      this.#ports.deliver(next);
    }
    // Doubles too: what was said about the first may be lost.
    if (this.#acking === null && !this.#over) this.#acking = this.#ports.later(ACK_AFTER_MS, () => this.#acknowledge());
  }

  /** The other end has all up to here. @param {number} n */
  acked(n) {
    const before = this.#out.length;
    this.#out = this.#out.filter((letter) => letter.n > n);
    if (this.#out.length === before) return;
    this.#tries = 0;
    this.#rest();
    if (this.#out.length) this.#wait();
  }

  /** The way is open again: all at once. */
  again() {
    if (this.#over) return;
    this.#tries = 0;
    this.#rest();
    if (!this.#out.length) return;
    for (const letter of this.#out) this.#ports.send(letter);
    this.#wait();
  }

  end() {
    this.#over = true;
    this.#rest();
    if (this.#acking !== null) this.#ports.stop(this.#acking);
    this.#out = [];
    this.#aside.clear();
  }

  #acknowledge() {
    this.#acking = null;
    this.#ports.ack(this.#taken);
  }

  #wait() {
    const ms = AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)];
    this.#again = this.#ports.later(ms, () => {
      this.#again = null;
      this.#tries += 1;
      for (const letter of this.#out) this.#ports.send(letter);
      this.#wait();
    });
  }

  #rest() {
    if (this.#again !== null) this.#ports.stop(this.#again);
    this.#again = null;
  }
}
