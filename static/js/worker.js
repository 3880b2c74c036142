// The service worker: what there is without a network. It keeps this version's assets, and one page that says that there is
// no network. It keeps nothing that is anybody's own, so no room is ever shown as it was yesterday, and there is nothing
// to take away when somebody signs out. `/sw.js` names the assets, and so is
// another one with each version.
const worker = /** @type {any} */ (self);
const { PREFIX, FILES } = /** @type {{ PREFIX: string, FILES: string[] }} */ (worker);
const NAME = `parlor:${PREFIX}`;
const OFFLINE = "/offline";

/** All that an open page may call for later: most of it is in the browser's own cache already. */
async function install() {
  const cache = await caches.open(NAME);
  await cache.addAll([OFFLINE, ...FILES.map((path) => `${PREFIX}/${path}`)]);
  await worker.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name);
  await worker.registration.navigationPreload?.enable();
  await worker.clients.claim();
}

/** A file that never changes under its address. @param {Request} request */
async function asset(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200) await cache.put(request, answer.clone());
  return answer;
}

/** A page: from the network, or none. @param {any} event */
async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await caches.match(OFFLINE, { cacheName: NAME })) ?? Response.error();
  }
}

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, mode, url, headers } = /** @type {Request} */ (event.request);
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") event.respondWith(page(event));
  else if (pathname.startsWith(`${PREFIX}/`) && !headers.has("range")) event.respondWith(asset(event.request));
});
