import { test } from "node:test";
import assert from "node:assert/strict";
import { Connection } from "../../static/js/core/connection.js";
import { backoff } from "../../static/js/core/backoff.js";
import { Clock, dice } from "./dice.js";

function make({ online = true } = {}) {
  const clock = new Clock();
  const world = { clock, sockets: [], frames: [], states: [], online };
  world.connection = new Connection({
    open: () => {
      const socket = { sent: [], closed: false, send: (text) => socket.sent.push(JSON.parse(text)), close: () => (socket.closed = true) };
      world.sockets.push(socket);
      return socket;
    },
    frame: (frame) => world.frames.push(frame),
    state: (state) => world.states.push(state),
    now: () => clock.now, later: clock.later, stop: clock.stop, random: () => 0.5, online: () => world.online,
  });
  world.up = () => {
    world.connection.connect();
    world.socket().onopen();
  };
  world.socket = () => world.sockets.at(-1);
  world.close = (code) => world.socket().onclose({ code });
  world.hear = (frame) => world.socket().onmessage({ data: JSON.stringify(frame) });
  return world;
}

test("frames come through, pongs and byes stay inside", () => {
  const world = make();
  world.up();
  world.hear({ type: "heads" });
  world.hear({ type: "pong" });
  world.hear({ type: "bye", after_ms: 1830, why: "restart" });
  assert.deepEqual(world.frames, [{ type: "heads" }]);
});

test("after a bye it comes back when it was told to", () => {
  const world = make();
  world.up();
  world.hear({ type: "bye", after_ms: 1830, why: "restart" });
  world.close(1012);
  world.clock.pass(1829);
  assert.equal(world.sockets.length, 1);
  world.clock.pass(2);
  assert.equal(world.sockets.length, 2);
});

test("silence is asked about after 30 s, and is the end after 10 more", () => {
  const world = make();
  world.up();
  world.clock.pass(30_001);
  assert.deepEqual(world.socket().sent, [{ type: "ping" }]);
  world.hear({ type: "pong" });
  world.clock.pass(30_001);
  assert.equal(world.socket().sent.length, 2);
  const first = world.socket();
  world.clock.pass(10_001);
  assert.equal(first.closed, true);
  world.clock.pass(1);
  assert.equal(world.sockets.length, 2, "at once");
});

test("where the network may be another, an answer is waited for a short while, however often that is said", () => {
  for (const said of ["online", "doubt"]) {
    const world = make();
    world.up();
    world.clock.pass(11_000);
    world.connection[said]();
    world.clock.pass(2_000);
    world.connection.doubt();
    world.connection.offline();
    assert.deepEqual(world.socket().sent, [{ type: "ping" }], said);
    world.clock.pass(1_001);
    assert.equal(world.sockets.length, 2, `${said}: another way is taken`);
  }
  const world = make();
  world.up();
  world.connection.doubt();
  world.hear({ type: "pong" });
  world.clock.pass(20_000);
  assert.equal(world.sockets.length, 1, "the old one serves");
  world.connection.offline();
  world.clock.pass(1_000);
  world.connection.online();
  world.clock.pass(3_001);
  assert.equal(world.sockets[0].sent.length, 2, "one question is enough");
  assert.equal(world.sockets.length, 2, "the shorter wait holds");
});

test("an ended session isn't tried again", () => {
  const world = make();
  world.up();
  world.close(4001);
  world.clock.pass(1_000_000);
  assert.equal(world.connection.state, "ended");
  assert.equal(world.sockets.length, 1);
});

test("a server that keeps refusing is asked less and less often", () => {
  const world = make();
  world.connection.connect();
  const waits = [];
  for (let i = 0; i < 8; i++) {
    const at = world.clock.now;
    world.close(1006);
    const count = world.sockets.length;
    while (world.sockets.length === count) world.clock.pass(10);
    waits.push(world.clock.now - at);
  }
  for (let i = 1; i < waits.length; i++) assert.ok(waits[i] >= waits[i - 1] - 20, waits.join());
  assert.ok(waits.at(-1) <= 30_010);
});

test("without a network it waits for one", () => {
  const world = make({ online: false });
  world.connection.connect();
  world.close(1006);
  assert.equal(world.connection.state, "offline");
  world.clock.pass(600_000);
  assert.equal(world.sockets.length, 1);
  world.online = true;
  world.connection.online();
  assert.equal(world.sockets.length, 2);
});

test("an old socket's events are nobody's", () => {
  const world = make();
  world.up();
  const old = world.socket();
  const { onclose, onmessage } = old;
  world.close(1006);
  world.clock.pass(60_000);
  world.socket().onopen();
  onclose({ code: 4001 });
  onmessage({ data: '{"type":"heads"}' });
  assert.equal(world.connection.state, "open");
  assert.deepEqual(world.frames, []);
});

test("waits differ, grow, and stay within bounds", () => {
  const random = dice(3);
  for (let tries = 1; tries < 40; tries++) {
    const wait = backoff(tries, random);
    assert.ok(wait >= 250 && wait <= 30_000);
  }
  assert.notEqual(backoff(5, random), backoff(5, random));
});
