// Features that are fetched when they are first called for.

/**
 * @param {import("./bus.js").Bus} bus @param {string} event
 * @param {() => Promise<void>} start  fetches and starts the feature, which then listens to the event itself
 * @param {AbortSignal} [signal]
 */
export function onFirst(bus, event, start, signal) {
  const first = new AbortController();
  signal?.addEventListener("abort", () => first.abort(), { once: true });
  bus.on(event, async (detail) => {
    if (first.signal.aborted) return;
    first.abort();
    await start();
    if (!signal?.aborted) bus.emit(event, detail);
  }, first.signal);
}
