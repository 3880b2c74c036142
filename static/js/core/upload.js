// One file on its way up, by tus 1.0: created, sent, and resumed where it stopped after a cut. Pure but for the ports
// given to it.
import { backoff } from "./backoff.js";

/** Attempts in a row that bring nothing further, after which the person is asked. */
const TRIES = 12;
/** How often an upload that the server no longer knows is begun anew. */
const RESTARTS = 2;
const PATH = "/api/uploads";
const VERSION = { "Tus-Resumable": "1.0.0" };
/** Refusals that pass: too slow, locked by the request that was cut, too many, at the wrong place. */
const PASSING = new Set([408, 409, 423, 425, 429]);
/** Refusals that trying again by itself doesn't mend. */
const LASTING = new Set(["too_large", "over_quota", "storage_full", "too_many"]);

/**
 * @typedef {{ name: string, type: string, size: number, voice?: { duration: number, peaks: number[] }, frame?: string }} What
 *   `frame`: of a video, its width and height, as `1920x1080`
 * @typedef {{ id: string, fileUrl: string, fileName: string, fileSize: number, fileType: string, kind: string,
 *   width?: number, height?: number, placeholder?: string, thumbs?: { url: string, width: number, height: number }[],
 *   duration?: number, peaks?: number[] }} Stored
 * @typedef {{ status: number, header: (name: string) => string | null, json: any }} Answer
 * @typedef {{ method: string, path: string, headers: Record<string, string>, from?: number,
 *   progress?: (sent: number) => void, signal?: AbortSignal }} Request
 * @typedef {{ ask: (request: Request) => Promise<Answer>, changed?: (upload: Upload) => void, random?: () => number,
 *   later?: (ms: number, then: () => void) => any, stop?: (timer: any) => void }} Ports
 * @typedef {"queued" | "sending" | "finishing" | "waiting" | "done" | "failed" | "cancelled"} State
 */

export class Upload {
  /** @type {State} */ state = "queued";
  /** Bytes that the server has, or is being sent. */
  sent = 0;
  /** @type {Stored | null} */ file = null;
  /** @type {{ code: string, message: string } | null} */ error = null;
  /** @type {Required<Ports>} */ #ports;
  /** @type {string | null} */ #path = null;
  /** @type {number | null} where the server stands, if known */ #offset = null;
  #tries = 0;
  #restarts = 0;
  #furthest = 0;
  /** @type {any} */ #timer = null;
  #over = new AbortController();

  /** @param {What} what @param {Ports} ports  `ask` sends bytes from `from` to the end, where that is given */
  constructor(what, ports) {
    this.what = what;
    this.#ports = {
      changed: () => {},
      random: Math.random,
      later: (ms, then) => setTimeout(then, ms),
      stop: (timer) => clearTimeout(timer),
      ...ports,
    };
  }

  /** One that was done before this page began. @param {Stored} file @param {Ports} ports */
  static done(file, ports) {
    const upload = new Upload({ name: file.fileName, type: file.fileType, size: file.fileSize }, ports);
    upload.state = "done";
    upload.file = file;
    upload.sent = file.fileSize;
    return upload;
  }

  /** Whether it takes up a place among those under way. */
  get busy() {
    return this.state === "sending" || this.state === "finishing" || this.state === "waiting";
  }

  get over() {
    return this.state === "done" || this.state === "cancelled";
  }

  /** Begins, or goes on after a failure. */
  start() {
    if (this.busy || this.over) return;
    this.#tries = 0;
    this.error = null;
    this.#go();
  }

  /** The network is back: what waits goes on at once. */
  online() {
    if (this.state !== "waiting") return;
    this.#tries = 0;
    this.#go();
  }

  /** It isn't wanted: what the server has of it goes too. */
  cancel() {
    if (this.state === "cancelled") return;
    this.#ports.stop(this.#timer);
    this.#set("cancelled");
    this.#over.abort();
    const path = this.file ? `/api/files/${this.file.id}` : this.#path;
    if (path) this.#ports.ask({ method: "DELETE", path, headers: VERSION }).catch(() => {});
  }

  async #go() {
    this.#ports.stop(this.#timer);
    this.#set("sending");
    try {
      while (!this.over && !this.file) await this.#step();
      if (this.file) this.#set("done");
    } catch (error) {
      if (!this.over) this.#stopped(error);
    }
  }

  /** The one request that leads further from where we are. */
  async #step() {
    const { size } = this.what;
    if (!this.#path) await this.#create();
    else if (this.#offset === null) await this.#look();
    else if (this.#offset < size) await this.#send();
    else await this.#collect();
  }

  async #create() {
    const answer = await this.#ask({ method: "POST", path: PATH, headers: { "Upload-Length": String(this.what.size), "Upload-Metadata": metadata(this.what) } });
    const place = answer.header("Location");
    if (answer.status !== 201 || !place) throw new Refusal(answer);
    this.#path = new URL(place, "http://here").pathname;
    this.#offset = this.#furthest = 0;
    this.#told(0);
    this.#take(answer);
  }

  async #look() {
    const answer = await this.#ask({ method: "HEAD", path: /** @type {string} */ (this.#path), headers: {} });
    if ((answer.status === 404 || answer.status === 410) && this.#restarts < RESTARTS) {
      this.#restarts += 1;
      this.#path = null;
      return;
    }
    if (answer.status >= 300) throw new Refusal(answer);
    const offset = Number(answer.header("Upload-Offset"));
    if (!(offset >= 0 && offset <= this.what.size)) throw new Refusal(answer);
    this.#at(offset);
  }

  async #send() {
    const from = this.#offset ?? 0;
    this.#offset = null;
    const answer = await this.#ask({
      method: "PATCH",
      path: /** @type {string} */ (this.#path),
      headers: { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" },
      from,
      progress: (sent) => this.#told(from + sent),
    });
    if (answer.status >= 300) throw new Refusal(answer);
    this.#at(Number(answer.header("Upload-Offset") ?? this.what.size));
    this.#take(answer);
  }

  /** All is there, but the answer that said what became of it was lost. */
  async #collect() {
    this.#set("finishing");
    const id = (this.#path ?? "").split("/").pop();
    const answer = await this.#ask({ method: "GET", path: `/api/files/${id}`, headers: {} });
    this.#take(answer);
    // After a cut the server may still be looking into it: then there is no such file yet.
    if (!this.file) throw new Refusal(answer, answer.status === 404);
  }

  /** @param {Request} request */
  async #ask(request) {
    const { signal } = this.#over;
    const answer = await this.#ports.ask({ ...request, headers: { ...VERSION, ...request.headers }, signal });
    signal.throwIfAborted();
    return answer;
  }

  /** @param {Answer} answer */
  #take({ json }) {
    if (json?.id && json.fileUrl) this.file = json;
  }

  /** @param {number} offset */
  #at(offset) {
    if (offset > this.#furthest) this.#tries = 0;
    this.#furthest = Math.max(this.#furthest, offset);
    this.#offset = offset;
    this.#told(offset);
  }

  /** @param {number} sent */
  #told(sent) {
    if (this.over) return;
    this.sent = Math.min(sent, this.what.size);
    if (this.state === "sending" && this.sent === this.what.size) this.state = "finishing";
    this.#ports.changed(this);
  }

  /** @param {any} error */
  #stopped(error) {
    const refusal = error instanceof Refusal ? error : null;
    this.#offset = null;
    this.#tries += 1;
    const passing = !refusal || refusal.passing;
    if (!passing || this.#tries > TRIES) {
      this.error = { code: refusal?.code ?? "", message: refusal?.message ?? "" };
      // What was refused for good isn't asked for again at the same place.
      if (refusal && !refusal.passing) this.#path = null;
      this.#set("failed");
      return;
    }
    this.#set("waiting");
    this.#timer = this.#ports.later(refusal?.after ?? backoff(this.#tries, this.#ports.random), () => this.#go());
  }

  /** @param {State} state */
  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.#ports.changed(this);
  }
}

/** The server answered, and not with what was asked for. */
class Refusal extends Error {
  /** @param {Answer} answer @param {boolean} [passing] */
  constructor({ status, header, json }, passing = false) {
    super(json?.error?.message ?? "");
    this.code = json?.error?.code ?? "";
    this.passing = passing || (!LASTING.has(this.code) && (json?.error?.retry === true || PASSING.has(status) || status >= 500));
    const seconds = Number(header("Retry-After"));
    this.after = seconds > 0 ? seconds * 1000 : null;
  }
}

/** As tus wants it: `key base64, key base64`. @param {What} what */
export function metadata({ name, type, voice, frame = "" }) {
  const fields = [["filename", name], ["filetype", type], ["voice", voice ? JSON.stringify(voice) : ""], ["size", frame]];
  return fields.filter(([, value]) => value).map(([key, value]) => `${key} ${base64(value)}`).join(",");
}

/** @param {string} text */
function base64(text) {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}
