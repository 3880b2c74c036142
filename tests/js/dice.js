// Random numbers that come again with the same seed (mulberry32).

export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled(list, random) {
  const left = [...list];
  for (let i = left.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [left[i], left[j]] = [left[j], left[i]];
  }
  return left;
}

/** A clock and timers that move only when told. */
export class Clock {
  now = 1_000_000;
  #timers = [];
  later = (ms, then) => {
    const timer = { at: this.now + ms, then };
    this.#timers.push(timer);
    return timer;
  };
  stop = (timer) => {
    this.#timers = this.#timers.filter((one) => one !== timer);
  };
  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.stop(next);
      this.now = Math.max(this.now, next.at);
      next.then();
    }
    this.now = end;
  }
}

/** What `localStorage` is, in memory. */
export class Shelf {
  #kept = new Map();
  get length() {
    return this.#kept.size;
  }
  key(i) {
    return [...this.#kept.keys()][i] ?? null;
  }
  getItem(key) {
    return this.#kept.get(key) ?? null;
  }
  setItem(key, value) {
    this.#kept.set(key, value);
  }
  removeItem(key) {
    this.#kept.delete(key);
  }
}
