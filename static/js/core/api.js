// The HTTP API, with the session's cookie. Every write bears a nonce of its own; a lost answer is asked for again.
import { nonce } from "./nonce.js";
import { backoff } from "./backoff.js";

/** How often a write is sent before the person is told. */
const ATTEMPTS = 4;

/** What the API refused, in words for the person. */
export class Refused extends Error {
  /** @param {number} status @param {{ code?: string, message?: string, field?: string, retry?: boolean }} error */
  constructor(status, error) {
    super(error.message ?? "");
    this.status = status;
    this.code = error.code ?? "";
    this.field = error.field ?? "";
    this.retry = error.retry ?? false;
  }
}

/**
 * @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>} the answer, or undefined where there is none
 */
export async function api(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
  if (method !== "GET") headers["Idempotency-Key"] = nonce();
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(method, path, headers, body);
    } catch (error) {
      const lasting = error instanceof Refused && !error.retry;
      if (lasting || attempt === ATTEMPTS) throw error;
      await new Promise((done) => setTimeout(done, backoff(attempt)));
    }
  }
}

/**
 * @param {string} method @param {string} path @param {Record<string, string>} headers @param {unknown} body
 */
async function once(method, path, headers, body) {
  const answer = await fetch(path, {
    method,
    headers,
    body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
    credentials: "same-origin",
  });
  if (answer.status === 204) return undefined;
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, json.error ?? { retry: answer.status >= 502 });
  return json;
}

/**
 * A fragment of our own server, as nodes. The one place where markup becomes elements.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function nodes(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** @param {string} path @returns {Promise<DocumentFragment>} */
export async function fragment(path) {
  const answer = await fetch(path, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  const type = answer.headers.get("Content-Type") ?? "";
  if (!answer.ok || answer.redirected || !type.startsWith("text/html")) throw new Refused(answer.status, {});
  return nodes(await answer.text());
}
