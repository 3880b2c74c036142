import { test } from "node:test";
import assert from "node:assert/strict";
import { Outbox } from "../../static/js/core/outbox.js";
import { Clock, Shelf, dice } from "./dice.js";

const DAY_MS = 24 * 60 * 60 * 1000;

function make({ clock = new Clock(), storage = new Shelf(), send = () => true, tab = "tab-1", random = () => 0.5 } = {}) {
  const sent = [];
  const outbox = new Outbox({
    storage, tab, random, user: "u", now: () => clock.now, later: clock.later, stop: clock.stop,
    send: (change) => send(change) && sent.push(change) > 0,
  });
  return { outbox, sent, clock, storage };
}
const message = (text, room = "r") => ({ type: "message", room, text });

test("what is written offline goes out in order, one at a time, when the connection is up", () => {
  const { outbox, sent } = make();
  for (const text of ["a", "b", "c"]) outbox.add(message(text));
  assert.equal(sent.length, 0);
  outbox.opened();
  for (const text of ["a", "b", "c"]) {
    assert.equal(sent.at(-1).text, text);
    outbox.settled(sent.at(-1).nonce);
  }
  assert.deepEqual(outbox.entries, []);
});

test("a cut sends it again with the same nonce", () => {
  const { outbox, sent } = make();
  outbox.opened();
  outbox.add(message("a"));
  outbox.closed();
  outbox.opened();
  assert.equal(sent.length, 2);
  assert.equal(sent[0].nonce, sent[1].nonce);
});

test("it survives a reload, and a settled one doesn't come back", () => {
  const { outbox, storage, clock } = make();
  outbox.opened();
  outbox.add(message("a"));
  const b = outbox.add(message("b"));
  const after = make({ storage, clock });
  assert.deepEqual(after.outbox.entries.map(({ change }) => change.text), ["a", "b"]);
  after.outbox.settled(b.nonce);
  assert.deepEqual(make({ storage, clock }).outbox.entries.map(({ change }) => change.text), ["a"]);
});

test("a lost answer is asked for again", () => {
  const { outbox, sent, clock } = make();
  outbox.opened();
  outbox.add(message("a"));
  clock.pass(20_000);
  assert.equal(sent.length, 2);
  assert.equal(sent[0].nonce, sent[1].nonce);
});

test("an error that may pass waits as long as it says, and keeps the order", () => {
  const { outbox, sent, clock } = make();
  outbox.opened();
  const a = outbox.add(message("a"));
  outbox.add(message("b"));
  outbox.refused(a.nonce, { code: "slow_down", message: "", retry: true, retry_after_ms: 3000 });
  clock.pass(2900);
  assert.equal(sent.length, 1);
  clock.pass(200);
  assert.deepEqual(sent.map(({ text }) => text), ["a", "a"]);
});

test("one that was refused stays until the person decides, and holds nobody up", () => {
  const { outbox, sent } = make();
  outbox.opened();
  const a = outbox.add(message("a"));
  outbox.add(message("b"));
  outbox.refused(a.nonce, { code: "forbidden", message: "No." });
  assert.equal(sent.at(-1).text, "b");
  assert.equal(outbox.get(a.nonce).state, "failed");
  const again = outbox.retry(a.nonce);
  assert.notEqual(again.nonce, a.nonce);
  outbox.discard(again.nonce);
  assert.deepEqual(outbox.entries.map(({ change }) => change.text), ["b"]);
});

test("rooms don't wait for each other", () => {
  const { outbox, sent } = make();
  outbox.opened();
  outbox.add(message("a", "r1"));
  outbox.add(message("b", "r2"));
  assert.deepEqual(sent.map(({ text }) => text), ["a", "b"]);
});

test("what waited over a week isn't sent unasked", () => {
  const { outbox, clock, storage } = make();
  outbox.add(message("a"));
  clock.now += 8 * DAY_MS;
  const after = make({ clock, storage });
  after.outbox.opened();
  assert.equal(after.sent.length, 0);
  assert.equal(after.outbox.entries[0].state, "failed");
});

test("a closed tab's changes are taken over, a living tab's are not", () => {
  const { outbox, storage, clock } = make({ tab: "tab-1" });
  outbox.add(message("a"));
  const other = make({ storage, clock, tab: "tab-2" });
  assert.equal(other.outbox.entries.length, 0);
  other.outbox.opened();
  other.outbox.adopt((tab) => tab === "tab-1");
  assert.equal(other.sent.length, 0);
  other.outbox.adopt(() => false);
  assert.equal(other.sent[0].text, "a");
});

test("through cuts, lost answers, refusals and reloads, each is stored once and in order", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = dice(seed);
    let clock = new Clock();
    const storage = new Shelf();
    const stored = [];
    const nonces = new Set();
    let answers = [];
    const send = (change) => {
      if (random() < 0.2) return true; // lost on the way there
      if (!nonces.has(change.nonce) && random() < 0.15) {
        answers.push((outbox) => outbox.refused(change.nonce, { code: "slow_down", message: "", retry: true }));
        return true;
      }
      if (!nonces.has(change.nonce)) stored.push(change.text);
      nonces.add(change.nonce);
      if (random() < 0.8) answers.push((outbox) => outbox.settled(change.nonce)); // else lost on the way back
      return true;
    };
    let { outbox } = make({ clock, storage, send, random });
    let n = 0;
    let open = false;
    for (let step = 0; step < 200; step++) {
      const roll = random();
      clock.now += 1;
      if (roll < 0.25) outbox.add(message(n++));
      else if (roll < 0.35) {
        if (open) answers = [];
        open ? outbox.closed() : outbox.opened();
        open = !open;
      }
      else if (roll < 0.38) {
        // A reload: the old page and its timers are no more.
        clock = Object.assign(new Clock(), { now: clock.now });
        answers = [];
        open = false;
        ({ outbox } = make({ clock, storage, send, random }));
      }
      else if (roll < 0.8) answers.shift()?.(outbox);
      else clock.pass(Math.floor(random() * 5000));
    }
    if (!open) outbox.opened();
    for (let i = 0; i < 5000 && outbox.entries.length; i++) {
      answers.shift()?.(outbox);
      clock.pass(1000);
    }
    assert.deepEqual(stored, Array.from({ length: n }, (_, i) => i), `seed ${seed}`);
    assert.equal(storage.length, 0);
  }
});
