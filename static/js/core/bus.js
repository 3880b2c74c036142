// Who wants to hear of what. The one way in which features that don't know each other talk.

export class Bus {
  /** @type {Map<string, Set<(detail: any) => void>>} */ #listeners = new Map();

  /**
   * @param {string} name @param {(detail: any) => void} listener
   * @param {AbortSignal} [signal] until when
   */
  on(name, listener, signal) {
    let all = this.#listeners.get(name);
    if (!all) this.#listeners.set(name, (all = new Set()));
    all.add(listener);
    signal?.addEventListener("abort", () => all.delete(listener), { once: true });
  }

  /** @param {string} name @param {any} [detail] */
  emit(name, detail) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(detail);
  }
}
