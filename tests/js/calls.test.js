import { test } from "node:test";
import assert from "node:assert/strict";
import { Attendance } from "../../static/js/core/attendance.js";
import { grid, offset } from "../../static/js/core/grid.js";
import { Rosters } from "../../static/js/core/rosters.js";
import { Speech, meter } from "../../static/js/core/speech.js";
import { Clock, dice, shuffled } from "./dice.js";

const roster = (n, more = {}) => ({ type: "call", room: "r", call: "c", term: 1, n, at: 1, people: [], rings: [], ...more });

test("rosters in any order leave the newest, and a call that is over stays over", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = dice(seed);
    const frames = [...Array.from({ length: 12 }, (_, i) => roster(i + 1)), roster(3, { term: 2 }), { type: "call-over", room: "r", call: "c", term: 2, n: 4 }];
    const later = { ...roster(1), call: "d", at: 2 };
    const rosters = new Rosters();
    for (const frame of shuffled([...frames, ...shuffled(frames, random).slice(0, 5)], random)) {
      if (frame.type === "call-over") rosters.over(frame);
      else rosters.take(frame);
    }
    assert.equal(rosters.in("r"), undefined, `seed ${seed}`);
    assert.ok(rosters.take(later));
    for (const frame of shuffled(frames, random)) frame.type === "call-over" ? rosters.over(frame) : rosters.take(frame);
    assert.equal(rosters.in("r").call, "d", `seed ${seed}`);
  }
});

test("what a connect names is all there is", () => {
  const rosters = new Rosters();
  rosters.take(roster(1));
  rosters.take(roster(1, { room: "s", call: "e" }));
  assert.deepEqual(rosters.heads([roster(5, { room: "s", call: "e" })]).sort(), ["r", "s"]);
  assert.deepEqual(rosters.all().map(({ room }) => room), ["s"]);
  assert.ok(!rosters.take(roster(1)), "a frame from before doesn't bring it back");
});

test("who speaks changes one's own place alone", () => {
  const rosters = new Rosters();
  rosters.take(roster(1, { people: [{ peer: "p", speaking: false }] }));
  assert.ok(rosters.speaking({ room: "r", call: "c", peer: "p", on: true }));
  assert.ok(!rosters.speaking({ room: "r", call: "c", peer: "p", on: true }));
  assert.ok(!rosters.speaking({ room: "r", call: "other", peer: "p", on: false }));
  assert.ok(!rosters.speaking({ room: "r", call: "c", peer: "q", on: true }));
});

/** A page, and a server that knows who has the place. */
class Scene {
  clock = new Clock();
  up = true;
  wire = [];
  kept = null;
  news = [];
  next = 1;
  constructor(page = "one") {
    this.attendance = new Attendance({
      page,
      nonce: () => `n${this.next++}`,
      media: () => ({ muted: true }),
      send: (frame) => this.up && Boolean(this.wire.push(frame)),
      keep: (kept) => (this.kept = kept),
      joined: ({ entry }) => this.news.push(`in ${entry}`),
      left: (why) => this.news.push(`out ${why}`),
      refused: ({ code, again }) => this.news.push(`no ${code}${again ? " again" : ""}`),
      later: this.clock.later,
      stop: this.clock.stop,
    });
  }
  answer(entry = 1) {
    const { nonce, room } = this.wire.at(-1);
    this.attendance.take({ type: "call-joined", nonce, room, peer: "p", entry, call: { call: "c" } });
  }
  refuse(code, retry = false) {
    this.attendance.take({ type: "error", nonce: this.wire.at(-1).nonce, code, retry });
  }
}

test("a place is kept over a lost connection, and asked for with the same page", () => {
  const scene = new Scene();
  const { attendance } = scene;
  attendance.join("r");
  scene.answer(7);
  assert.deepEqual(scene.kept, { room: "r", place: { call: "c", peer: "p", entry: 7 } });
  scene.up = false;
  attendance.cut();
  scene.up = true;
  attendance.opened();
  assert.deepEqual(scene.wire.at(-1).place, { call: "c", peer: "p", entry: 7 });
  assert.equal(scene.wire.at(-1).page, "one");
  scene.answer(7);
  assert.deepEqual(scene.news, ["in 7", "in 7"]);
});

test("a place that another page has is given up and not fought for", () => {
  const scene = new Scene();
  scene.attendance.join("r");
  scene.answer(7);
  scene.attendance.take({ type: "call-left", call: "c", peer: "p", why: "moved" });
  scene.attendance.opened();
  assert.equal(scene.kept, null);
  assert.equal(scene.wire.length, 1, "it isn't asked for again");
  const back = new Scene("two");
  back.attendance.resume({ room: "r", place: { call: "c", peer: "p", entry: 7 } });
  back.refuse("call_moved");
  back.attendance.opened();
  assert.deepEqual(back.news, ["no call_moved again"]);
  assert.equal(back.wire.length, 1);
});

test("a refusal that passes is asked again with the same nonce; another is told", () => {
  const scene = new Scene();
  scene.attendance.join("r");
  scene.refuse("unavailable", true);
  scene.clock.pass(1000);
  assert.equal(scene.wire.length, 2);
  assert.equal(scene.wire[0].nonce, scene.wire[1].nonce);
  scene.refuse("call_full");
  assert.deepEqual(scene.news, ["no call_full"]);
  assert.equal(scene.attendance.room, null);
  scene.attendance.join("r");
  scene.clock.pass(20_000);
  assert.deepEqual(scene.news, ["no call_full", "no no_answer"]);
});

test("who leaves while the connection is down has left when it is back", () => {
  const scene = new Scene();
  scene.attendance.join("r");
  scene.answer();
  scene.up = false;
  scene.attendance.cut();
  scene.attendance.leave();
  scene.up = true;
  scene.attendance.opened();
  scene.attendance.opened();
  assert.deepEqual(scene.wire.map(({ type }) => type), ["call-join", "call-leave"]);
  assert.deepEqual(scene.news, ["in 1", "out own"]);
});

test("a place that comes after it was given up is given back", () => {
  const scene = new Scene();
  scene.attendance.join("r");
  const { nonce } = scene.wire[0];
  scene.attendance.leave();
  scene.attendance.take({ type: "call-joined", nonce, room: "r", peer: "p", entry: 1, call: { call: "c" } });
  assert.equal(scene.wire.at(-1).type, "call-leave");
  assert.equal(scene.attendance.place, null);
});

test("in whatever order things happen, what is kept is what one has", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = dice(seed);
    const scene = new Scene();
    const { attendance } = scene;
    const acts = [
      () => attendance.join(random() < 0.5 ? "r" : "s"), () => attendance.leave(), () => scene.wire.length && scene.wire.at(-1).type === "call-join" && scene.answer(Math.ceil(random() * 9)),
      () => scene.wire.length && scene.refuse("call_full"), () => scene.wire.length && scene.refuse("unavailable", true), () => scene.clock.pass(random() * 30_000),
      () => { scene.up = false; attendance.cut(); }, () => { scene.up = true; attendance.opened(); },
      () => attendance.take({ type: "call-left", call: "c", peer: "p", why: "lost" }), () => attendance.doubt(),
    ];
    for (let step = 0; step < 60; step++) {
      acts[Math.floor(random() * acts.length)]();
      assert.deepEqual(scene.kept, attendance.place, `seed ${seed}`);
    }
    scene.up = true;
    attendance.opened();
    attendance.leave();
    scene.clock.pass(60_000);
    assert.equal(attendance.room, null);
    assert.equal(scene.kept, null);
  }
});

test("tiles are as large as the stage allows, and a short row stands in the middle", () => {
  assert.deepEqual(grid(5, 1100, 720), { columns: 3, rows: 2, last: 2 });
  assert.deepEqual(grid(2, 1100, 720), { columns: 2, rows: 1, last: 2 });
  assert.deepEqual(grid(2, 374, 700), { columns: 1, rows: 2, last: 1 });
  assert.deepEqual(grid(1, 1100, 720), { columns: 1, rows: 1, last: 1 });
  assert.equal(offset(3, { columns: 3, rows: 2, last: 2 }), 2);
  assert.equal(offset(2, { columns: 3, rows: 2, last: 2 }), null);
  assert.equal(offset(2, { columns: 2, rows: 2, last: 2 }), null);
  for (let count = 1; count <= 30; count++) {
    for (const [width, height] of [[1400, 700], [390, 700], [800, 1100], [0, 0]]) {
      const { columns, rows, last } = grid(count, width, height);
      assert.equal((rows - 1) * columns + last, count);
      assert.ok(last >= 1 && last <= columns);
    }
  }
});

test("speech begins at once, and ends only after a while", () => {
  const speech = new Speech();
  assert.ok(!speech.take(0.001, 0));
  assert.ok(speech.take(0.1, 100));
  assert.ok(!speech.take(0, 600), "a breath is no end");
  assert.ok(speech.take(0, 800));
  speech.take(0.1, 900);
  assert.ok(speech.hush());
  assert.ok(!speech.take(0, 1000));
  assert.equal(meter(0), 0);
  assert.equal(meter(1), 1);
  assert.ok(meter(0.01) > 0.2 && meter(0.01) < 0.5);
});
