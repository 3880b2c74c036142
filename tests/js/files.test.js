import { test } from "node:test";
import assert from "node:assert/strict";
import { Crop, CLOSEST } from "../../static/js/core/cropping.js";
import { ending, shown } from "../../static/js/core/filename.js";
import { Parcel } from "../../static/js/core/parcel.js";
import { mayShrink, smaller, worthwhile } from "../../static/js/core/shrink.js";
import { decode } from "../../static/js/core/thumbhash.js";
import { loudness, minutes, peaks } from "../../static/js/core/waveform.js";
import { dice } from "./dice.js";

const limits = { file: 100, message: 3, left: 150 };
const source = (name, size) => ({ name, size, type: "" });

test("a parcel takes what the limits let in, and says why it doesn't take the rest", () => {
  const parcel = new Parcel();
  const { added, turned } = parcel.add([source("a", 60), source("huge", 101), source("nothing", 0), source("b", 60), source("c", 60), source("d", 20), source("e", 5)], limits);
  assert.deepEqual(added.map(({ name }) => name), ["a", "b", "d"]);
  assert.deepEqual(turned, [{ name: "huge", reason: "large" }, { name: "nothing", reason: "empty" }, { name: "c", reason: "full" }, { name: "e", reason: "many" }]);
});

test("a parcel runs a few uploads at a time, and is ready when all are there", () => {
  const parcel = new Parcel();
  const { added } = parcel.add(["a", "b", "c", "d", "e"].map((name) => source(name, 10)), { ...limits, message: 10 });
  for (const item of added) {
    item.upload = { state: "queued", sent: 0, file: null, start() { this.state = "sending"; }, cancel() { this.state = "cancelled"; }, get busy() { return this.state === "sending"; } };
  }
  parcel.pump();
  assert.deepEqual(added.map(({ state }) => state), ["sending", "sending", "sending", "queued", "queued"]);
  added[0].upload.state = "done";
  added[0].upload.file = { id: "1" };
  parcel.pump();
  assert.equal(added[3].state, "sending");
  assert.equal(parcel.part, 0.2);
  assert.equal(parcel.ready, false);
  parcel.remove(added[1]);
  assert.equal(added[1].upload.state, "cancelled");
  assert.equal(added[4].state, "sending");
  for (const item of added.slice(2)) Object.assign(item.upload, { state: "done", file: { id: item.name } });
  assert.equal(parcel.ready, true);
  assert.deepEqual(parcel.files.map(({ id }) => id), ["1", "c", "d", "e"]);
});

test("a blur of one colour is that colour, at the picture's shape", () => {
  // Lightness 32 of 63, no colour, no waves, landscape with 4 waves across the shorter side.
  const [l, p, q] = [32, 31, 32];
  const head = l | (p << 6) | (q << 12);
  const tail = 4 | (1 << 15);
  const bytes = [head & 255, (head >> 8) & 255, head >> 16, tail & 255, tail >> 8, ...Array(14).fill(0x77)];
  const blur = decode(btoa(String.fromCharCode(...bytes)));
  assert.deepEqual([blur.width, blur.height], [32, Math.round((32 * 4) / 7)]);
  for (let i = 0; i < blur.data.length; i += 4) {
    for (const c of [0, 1, 2]) assert.ok(Math.abs(blur.data[i + c] - 130) < 8, `${blur.data.slice(i, i + 4)}`);
    assert.equal(blur.data[i + 3], 255);
  }
});

test("whatever is no blur does no harm", () => {
  const random = dice(7);
  for (const text of ["", "!", "AAAA", "____"]) assert.equal(decode(text), null);
  for (let i = 0; i < 500; i++) {
    const bytes = Array.from({ length: 5 + Math.floor(random() * 30) }, () => String.fromCharCode(Math.floor(random() * 256)));
    const blur = decode(btoa(bytes.join("")));
    if (blur) assert.ok(blur.width > 0 && blur.width <= 32 && blur.height > 0 && blur.height <= 32);
  }
});

test("a waveform shows the loudest as high as it goes, and silence low", () => {
  const levels = [...Array(50).fill(0), ...Array(50).fill(0.2), ...Array(28).fill(0.1)];
  const bars = peaks(levels);
  assert.equal(bars.length, 64);
  assert.equal(Math.max(...bars), 100);
  assert.equal(bars[0], 0);
  assert.ok(Math.abs(bars[63] - 50) <= 1);
  assert.deepEqual(peaks([0.5]), [100]);
  assert.deepEqual(peaks([]), []);
  assert.deepEqual(peaks([0, 0]), [0, 0]);
  assert.equal(loudness(new Float32Array([1, -1])), 1);
  assert.equal(loudness(new Float32Array(0)), 0);
  assert.deepEqual([minutes(7.9), minutes(750), minutes(3723), minutes(Infinity)], ["0:07", "12:30", "1:02:03", "0:00"]);
});

test("a crop never leaves the picture, whatever is done to it", () => {
  const random = dice(11);
  for (let round = 0; round < 200; round++) {
    const crop = new Crop(1 + random() * 4000, 1 + random() * 4000);
    for (let step = 0; step < 30; step++) {
      if (random() < 0.5) crop.move(random() * 4 - 2, random() * 4 - 2);
      else crop.to(crop.zoom * (0.3 + random() * 2), { x: random(), y: random() });
      const { x, y, side } = crop.square;
      const edge = 1e-6 * Math.max(crop.width, crop.height);
      assert.ok(x >= -edge && y >= -edge && x + side <= crop.width + edge && y + side <= crop.height + edge);
      assert.ok(crop.zoom >= 1 && crop.zoom <= CLOSEST);
    }
  }
});

test("zooming keeps what is pointed at in its place", () => {
  const crop = new Crop(1000, 1000);
  const around = { x: 0.25, y: 0.75 };
  const before = crop.square;
  crop.to(2, around);
  const after = crop.square;
  assert.equal(before.x + before.side * around.x, after.x + after.side * around.x);
  assert.equal(before.y + before.side * around.y, after.y + after.side * around.y);
});

test("only large photos are made smaller, and only where it saves much", () => {
  assert.equal(mayShrink({ type: "image/jpeg", size: 5_000_000 }), true);
  assert.equal(mayShrink({ type: "image/jpeg", size: 50_000 }), false);
  assert.equal(mayShrink({ type: "image/gif", size: 5_000_000 }), false);
  assert.equal(mayShrink({ type: "image/svg+xml", size: 5_000_000 }), false);
  assert.equal(smaller(2560, 1000), null);
  assert.deepEqual(smaller(5120, 2000), { width: 2560, height: 1000 });
  assert.deepEqual(smaller(100_000, 1), { width: 2560, height: 1 });
  assert.equal(worthwhile(100, 90), false);
  assert.equal(worthwhile(100, 79), true);
});

test("names are shown without what turns writing around", () => {
  assert.equal(shown("photo\u202Egnp.exe"), "photognp.exe");
  assert.equal(shown("../../etc/passwd"), "passwd");
  assert.equal(shown("a\u0000b\nc.txt"), "abc.txt");
  assert.equal(shown("\u200B"), "_");
  assert.equal([...shown("🌊".repeat(300))].length, 120);
  assert.deepEqual([ending("a.TAR.GZ"), ending("none"), ending("x.<b>")], ["gz", "", ""]);
});
