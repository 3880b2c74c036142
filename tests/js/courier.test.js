import { test } from "node:test";
import assert from "node:assert/strict";
import { Courier } from "../../static/js/core/courier.js";
import { Clock, dice } from "./dice.js";

/** Two ends and a way between them that loses, doubles and delays. */
class Way {
  clock = new Clock();
  got = { a: [], b: [] };
  loses = 0.3;
  constructor(random) {
    this.random = random;
    const { later, stop } = this.clock;
    const end = (to, own) =>
      new Courier({
        later, stop,
        send: (letter) => this.carry(() => this[to].take(letter)),
        ack: (n) => this.carry(() => this[to].acked(n)),
        deliver: ({ n, word }) => this.got[own].push([n, word]),
      });
    this.a = end("b", "a");
    this.b = end("a", "b");
  }
  carry(deliver) {
    for (let times = this.random() < 0.15 ? 2 : 1; times > 0; times--) {
      if (this.random() >= this.loses) this.clock.later(this.random() * 3000, deliver);
    }
  }
}

test("what is lost, doubled and late is delivered once each, in order", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = dice(seed);
    const way = new Way(random);
    const sent = { a: 0, b: 0 };
    for (let step = 0; step < 60; step++) {
      const end = random() < 0.5 ? "a" : "b";
      if (random() < 0.6) way[end].post({ word: ++sent[end] });
      if (random() < 0.1) way[end].again();
      way.clock.pass(random() * 700);
    }
    way.loses = 0;
    way.clock.pass(60_000);
    for (const [end, from] of [["a", "b"], ["b", "a"]]) {
      assert.deepEqual(way.got[end], Array.from({ length: sent[from] }, (_, i) => [i + 1, i + 1]), `seed ${seed}`);
      assert.equal(way[from].waiting, 0, `seed ${seed}: all acknowledged`);
    }
  }
});

test("nothing more is sent once all is acknowledged, nor after the end", () => {
  const clock = new Clock();
  const sent = [];
  const courier = new Courier({ ...clock, later: clock.later, stop: clock.stop, send: (letter) => sent.push(letter.n), ack: () => {}, deliver: () => {} });
  courier.post({});
  courier.post({});
  clock.pass(1000);
  assert.deepEqual(sent, [1, 2, 1, 2]);
  courier.acked(1);
  clock.pass(1000);
  assert.deepEqual(sent.slice(4), [2]);
  courier.acked(2);
  clock.pass(60_000);
  assert.equal(sent.length, 5);
  courier.post({});
  courier.end();
  clock.pass(60_000);
  assert.equal(sent.length, 6);
});

test("what nobody acknowledges doesn't grow for ever", () => {
  let overrun = 0;
  const clock = new Clock();
  const courier = new Courier({ later: clock.later, stop: clock.stop, send: () => {}, ack: () => {}, deliver: () => {}, overrun: () => overrun++ });
  for (let i = 0; i < 300; i++) courier.post({});
  assert.equal(courier.waiting, 256);
  assert.equal(overrun, 44);
});

test("a letter far beyond what is kept is dropped, and comes again", () => {
  const got = [];
  const clock = new Clock();
  const courier = new Courier({ later: clock.later, stop: clock.stop, send: () => {}, ack: () => {}, deliver: ({ n }) => got.push(n) });
  courier.take({ n: 400 });
  for (let n = 1; n <= 399; n++) courier.take({ n });
  assert.equal(got.length, 399);
  courier.take({ n: 400 });
  assert.equal(got.at(-1), 400);
});
