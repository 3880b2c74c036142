import { test } from "node:test";
import assert from "node:assert/strict";
import { Cursor } from "../../static/js/core/stream.js";
import { Streams } from "../../static/js/core/streams.js";
import { dice, shuffled } from "./dice.js";

const entry = (rev) => ({ type: "message", room: "r", rev, tag: `t${rev}` });

test("entries in any order are applied once each, in order", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = dice(seed);
    const cursor = new Cursor(10, "t10");
    const all = Array.from({ length: 30 }, (_, i) => entry(11 + i));
    const sent = shuffled([...all, ...shuffled(all, random).slice(0, 10)], random);
    const applied = sent.flatMap((one) => cursor.take(one).apply.map(({ rev }) => rev));
    assert.deepEqual(applied, all.map(({ rev }) => rev), `seed ${seed}`);
    assert.equal(cursor.tag, "t40");
  }
});

test("a gap is asked for once, and what waits beyond it follows the answer", () => {
  const cursor = new Cursor(1, "t1");
  assert.deepEqual(cursor.take(entry(4)), { apply: [], ask: true });
  assert.deepEqual(cursor.take(entry(6)), { apply: [], ask: false });
  const step = cursor.resumed(4, "t4");
  assert.deepEqual(step, { apply: [], ask: true }, "5 is still missing");
  assert.deepEqual(cursor.resumed(5, "t5").apply.map(({ rev }) => rev), [6]);
  assert.equal(cursor.rev, 6);
});

test("an answer older than what came meanwhile moves nothing back", () => {
  const cursor = new Cursor(1, "t1");
  cursor.take(entry(3));
  assert.deepEqual(cursor.take(entry(2)).apply.map(({ rev }) => rev), [2, 3]);
  assert.deepEqual(cursor.resumed(2, "t2"), { apply: [], ask: false });
  assert.equal(cursor.rev, 3);
});

test("a head that is named while a resume is on its way isn't forgotten", () => {
  const cursor = new Cursor(1, "t1");
  assert.equal(cursor.head(3, "t3"), true);
  assert.equal(cursor.head(6, "t6"), false, "one is on its way");
  assert.deepEqual(cursor.resumed(3, "t3"), { apply: [], ask: true }, "it was answered before 6 was there");
  assert.deepEqual(cursor.resumed(6, "t6"), { apply: [], ask: false });
});

test("another tag at the same place asks, since the store was restored", () => {
  const cursor = new Cursor(7, "t7");
  assert.equal(cursor.take({ ...entry(7), tag: "other" }).ask, true);
  assert.equal(new Cursor(7, "t7").take(entry(7)).ask, false);
  assert.equal(new Cursor(7, "t7").head(7, "t7"), false);
  assert.equal(new Cursor(7, "t7").head(6, "t6"), true);
});

test("a resume that could not be answered is asked for again", () => {
  const sent = [];
  const waiting = [];
  const streams = new Streams({
    send: (frame) => sent.push(frame),
    apply: () => {},
    later: (then, ms) => waiting.push({ then, ms }),
  });
  streams.show("r", 1, "t1");
  streams.take(entry(3));
  assert.equal(sent.length, 1);
  streams.take({ type: "error", answers: "resume", room: "r", code: "unavailable", retry: true, retry_after_ms: 50 });
  assert.deepEqual(waiting.map(({ ms }) => ms), [50]);
  waiting[0].then();
  assert.deepEqual(sent[1], { type: "resume", room: "r", rev: 1, tag: "t1" });
  streams.take({ type: "resumed", room: "r", rev: 3, tag: "t3", messages: [] });
  assert.deepEqual(streams.place("r"), { rev: 3, tag: "t3" });
  streams.take(entry(5));
  streams.take({ type: "error", answers: "resume", room: "r", code: "not_found", retry: false });
  streams.take(entry(7));
  assert.equal(waiting.length, 1, "what isn't ours any more is not asked for by itself");
  assert.equal(sent.length, 4, "but by the next entry, should one come");
});

/** A server with a log: loses, repeats and reorders what it sends, and answers resumes. */
class Server {
  log = [{ rev: 0, tag: "t0" }];
  wire = [];
  constructor(random) {
    this.random = random;
  }
  post() {
    const rev = this.log.length;
    const one = { type: "message", change: "posted", room: "r", rev, tag: `t${rev}`, seq: rev };
    this.log.push(one);
    if (this.random() < 0.75) this.wire.push(one);
    if (this.random() < 0.2) this.wire.push(one);
  }
  resume({ rev }) {
    const head = this.log.at(-1);
    this.wire.push({ type: "resumed", room: "r", rev: head.rev, tag: head.tag, messages: this.log.slice(rev + 1) });
  }
  heads() {
    const { rev, tag } = this.log.at(-1);
    return { type: "heads", person: { rev: 1, tag: "p" }, rooms: [{ room: "r", rev, tag, seq: rev, read: 0, mentions: 0 }] };
  }
}

test("whatever is lost, repeated or cut, a reader ends with all that was posted", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = dice(seed);
    const server = new Server(random);
    const shown = new Map();
    const streams = new Streams({
      send: (frame) => frame.type === "resume" && server.resume(frame),
      apply: (frame) => {
        for (const one of frame.type === "resumed" ? frame.messages : frame.type === "message" ? [frame] : []) shown.set(one.seq, one.rev);
      },
    });
    streams.show("r", 0, "t0");
    for (let step = 0; step < 120; step++) {
      const roll = random();
      if (roll < 0.5) server.post();
      else if (roll < 0.9 && server.wire.length) streams.take(server.wire.splice(Math.floor(random() * Math.min(3, server.wire.length)), 1)[0]);
      else if (roll > 0.97) {
        server.wire = [];
        streams.cut();
        streams.take(server.heads());
      }
    }
    // A reconnect at the end, and everything that is on its way.
    server.wire = [];
    streams.cut();
    streams.take(server.heads());
    while (server.wire.length) streams.take(server.wire.shift());
    assert.deepEqual([...shown.keys()].sort((a, b) => a - b), server.log.slice(1).map(({ seq }) => seq), `seed ${seed}`);
    assert.equal(streams.place("r").rev, server.log.length - 1);
  }
});

test("a page drawn before entries that came already is caught up", () => {
  const asked = [];
  const streams = new Streams({ send: (frame) => asked.push(frame), apply: () => {} });
  streams.take({ type: "heads", person: { rev: 1, tag: "p" }, rooms: [{ room: "r", rev: 5, tag: "t5", seq: 5, read: 5, mentions: 0 }] });
  streams.take(entry(6));
  streams.show("r", 4, "t4");
  assert.deepEqual(asked, [{ type: "resume", room: "r", rev: 4, tag: "t4" }]);
});

test("what happened to one's own things while the connection was away is asked for", () => {
  const sent = [];
  const applied = [];
  const streams = new Streams({ send: (frame) => sent.push(frame), apply: (frame) => applied.push(frame.type) });
  const heads = (rev) => ({ type: "heads", person: { rev, tag: `p${rev}` }, rooms: [] });
  streams.take(heads(3));
  streams.cut();
  streams.take(heads(3));
  assert.deepEqual(sent, [], "nothing did");
  streams.cut();
  streams.take(heads(6));
  assert.deepEqual(sent, [{ type: "resume", rev: 3, tag: "p3" }]);
  streams.take({ type: "person", rev: 7, tag: "p7", change: "read" });
  streams.take({ type: "resumed", rev: 6, tag: "p6", person: {}, rooms: [], drafts: [] });
  assert.deepEqual(applied, ["heads", "heads", "heads", "resumed", "person"]);
  streams.cut();
  streams.take(heads(9));
  streams.take({ type: "reload", why: "many" });
  streams.take({ type: "person", rev: 10, tag: "p10", change: "read" });
  assert.deepEqual(applied.slice(-2), ["reload", "person"], "it goes on from there");
});
