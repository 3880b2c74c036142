import { test } from "node:test";
import assert from "node:assert/strict";
import { metadata, Upload } from "../../static/js/core/upload.js";
import { Clock, dice } from "./dice.js";

const settled = () => new Promise((done) => setImmediate(done));

/** A server that keeps what it gets, and a network that may break at any byte. */
class Far {
  uploads = new Map();
  asked = [];
  /** Gets each request; may throw, answer something else, or say how many bytes pass before the cut. */
  fate = () => ({});
  #n = 0;

  constructor(bytes) {
    this.bytes = bytes;
  }

  ask = async (request) => {
    this.asked.push(request);
    const fate = this.fate(request) ?? {};
    if (fate.cut === "before") throw new Error("cut");
    if (fate.status) return this.#answer(fate.status, {}, { error: { code: fate.code, message: fate.message, retry: fate.retry } });
    const answer = this.#do(request, fate.passes ?? Infinity);
    if (fate.passes !== undefined || fate.cut === "after") throw new Error("cut");
    return answer;
  };

  #answer(status, headers = {}, json = null) {
    return { status, json, header: (name) => headers[name] ?? null };
  }

  #do({ method, path, headers, from, progress }, passes) {
    assert.equal(headers["Tus-Resumable"], "1.0.0");
    const id = path.split("/").pop();
    const upload = this.uploads.get(id);
    if (method === "POST") {
      const name = `u${++this.#n}`;
      this.uploads.set(name, { length: Number(headers["Upload-Length"]), kept: [] });
      return this.#answer(201, { Location: `/api/uploads/${name}` });
    }
    if (!upload) return this.#answer(404);
    if (method === "DELETE") {
      this.uploads.delete(id);
      return this.#answer(204);
    }
    if (method === "HEAD") return this.#answer(200, { "Upload-Offset": String(upload.kept.length), "Upload-Length": String(upload.length) });
    if (method === "GET") return upload.kept.length === upload.length ? this.#answer(200, {}, { id, fileUrl: `/files/${id}.bin`, kind: "other" }) : this.#answer(404);
    if (Number(headers["Upload-Offset"]) !== upload.kept.length) return this.#answer(409);
    const piece = this.bytes.slice(from, from + passes);
    upload.kept.push(...piece);
    progress(piece.length);
    return this.#answer(204, { "Upload-Offset": String(upload.kept.length) });
  }
}

function make(bytes, far = new Far(bytes)) {
  const clock = new Clock();
  const states = [];
  const upload = new Upload({ name: "tide.txt", type: "text/plain", size: bytes.length }, {
    ask: far.ask, random: () => 0.5, later: clock.later, stop: clock.stop,
    changed: ({ state }) => states.at(-1) !== state && states.push(state),
  });
  const run = async () => {
    for (let i = 0; i < 400 && !upload.over && upload.state !== "failed"; i++) {
      await settled();
      clock.pass(30_000);
    }
  };
  return { upload, far, clock, states, run };
}

test("a file goes up in one piece, and becomes a file", async () => {
  const { upload, far, states, run } = make([1, 2, 3, 4]);
  upload.start();
  await run();
  assert.deepEqual(states, ["sending", "finishing", "done"]);
  assert.equal(upload.file.fileUrl, "/files/u1.bin");
  assert.deepEqual(far.asked.map(({ method }) => method), ["POST", "PATCH", "GET"]);
});

test("an upload cut at any bytes, any number of times, arrives whole", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = dice(seed);
    const bytes = Array.from({ length: 1 + Math.floor(random() * 60) }, () => Math.floor(random() * 256));
    const { upload, far, run } = make(bytes);
    far.fate = ({ method }) => {
      const chance = random();
      if (chance < 0.15) return { cut: "before" };
      if (chance < 0.25) return { cut: "after" };
      if (chance < 0.3) return { status: 503 };
      if (chance < 0.35) return { status: 423 };
      return method === "PATCH" && chance < 0.7 ? { passes: Math.floor(random() * bytes.length) } : {};
    };
    // After many cuts in a row it asks the person, who tries again.
    for (let i = 0; i < 5 && !upload.over; i++) {
      upload.start();
      await run();
    }
    assert.equal(upload.state, "done", `seed ${seed}`);
    assert.deepEqual(far.uploads.get(upload.file.id).kept, bytes, `seed ${seed}`);
  }
});

test("after a cut it asks where it stands, and sends only what is missing", async () => {
  const { upload, far, run } = make([1, 2, 3, 4, 5]);
  let cut = false;
  far.fate = ({ method }) => {
    if (method !== "PATCH" || cut) return {};
    cut = true;
    return { passes: 3 };
  };
  upload.start();
  await run();
  assert.deepEqual(far.asked.map(({ method, from }) => [method, from]), [["POST", undefined], ["PATCH", 0], ["HEAD", undefined], ["PATCH", 3], ["GET", undefined]]);
});

test("one that the server forgot is begun anew, but not for ever", async () => {
  const { upload, far, run } = make([1, 2]);
  let forget = 1;
  far.fate = ({ method }) => {
    if (method !== "PATCH" || forget-- <= 0) return {};
    far.uploads.clear();
    return { cut: "before" };
  };
  upload.start();
  await run();
  assert.equal(upload.state, "done");
  far.fate = ({ method }) => (method === "POST" ? {} : { status: 404 });
  const again = make([1, 2], far);
  again.upload.start();
  await again.run();
  assert.equal(again.upload.state, "failed");
});

test("a refusal is told at once, and trying again begins at the beginning", async () => {
  const { upload, far, run } = make([1, 2]);
  far.fate = () => ({ status: 413, code: "over_quota", message: "You have no room left." });
  upload.start();
  await run();
  assert.equal(upload.state, "failed");
  assert.deepEqual(upload.error, { code: "over_quota", message: "You have no room left." });
  assert.equal(far.asked.length, 1);
  far.fate = () => ({ status: 503, code: "storage_full", message: "Full." });
  upload.start();
  await run();
  assert.equal(far.asked.length, 2);
  far.fate = () => ({});
  upload.start();
  await run();
  assert.equal(upload.state, "done");
});

test("without a network it waits, and goes on at once when that is back", async () => {
  const { upload, far } = make([1, 2]);
  far.fate = () => ({ cut: "before" });
  upload.start();
  await settled();
  assert.equal(upload.state, "waiting");
  far.fate = () => ({});
  upload.online();
  for (let i = 0; i < 10; i++) await settled();
  assert.equal(upload.state, "done");
});

test("it gives up when nothing gets through for long, and may be started again", async () => {
  const { upload, far, run } = make([1, 2]);
  far.fate = ({ method }) => (method === "PATCH" ? { passes: 0 } : {});
  upload.start();
  await run();
  assert.equal(upload.state, "failed");
  far.fate = () => ({});
  upload.start();
  await run();
  assert.equal(upload.state, "done");
});

test("a cancelled one is taken back, whether it was under way or done", async () => {
  const first = make([1, 2, 3]);
  first.far.fate = ({ method }) => (method === "PATCH" ? { passes: 1 } : {});
  first.upload.start();
  await settled();
  first.upload.cancel();
  await settled();
  assert.equal(first.upload.state, "cancelled");
  assert.equal(first.far.asked.at(-1).method, "DELETE");
  const second = make([1]);
  second.upload.start();
  await second.run();
  second.upload.cancel();
  assert.equal(second.far.asked.at(-1).path, "/api/files/u1");
});

test("names of all scripts go into the header as tus wants them", () => {
  const fields = Object.fromEntries(metadata({ name: "شاطئ 🌊.jpg", type: "image/jpeg", size: 1 }).split(",").map((field) => field.split(" ")));
  assert.equal(Buffer.from(fields.filename, "base64").toString(), "شاطئ 🌊.jpg");
  assert.equal(Buffer.from(fields.filetype, "base64").toString(), "image/jpeg");
  assert.equal(fields.voice, undefined);
  const voice = metadata({ name: "v", type: "", size: 1, voice: { duration: 1200, peaks: [0, 100] } });
  assert.deepEqual(JSON.parse(Buffer.from(voice.split(",").at(-1).split(" ")[1], "base64").toString()), { duration: 1200, peaks: [0, 100] });
});
