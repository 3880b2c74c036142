import { test } from "node:test";
import assert from "node:assert/strict";
import { Negotiation } from "../../static/js/core/negotiation.js";
import { dice } from "./dice.js";

let next = 0;

/** What matters of an `RTCPeerConnection`: its states, its refusals, and when it asks to negotiate. */
class Peer {
  signalingState = "stable";
  localDescription = null;
  remoteDescription = null;
  closed = false;
  candidates = [];
  /** Rises with each change that needs agreement; `told` is the one that the other end knows. */
  version = 0;
  told = 0;
  #offered = 0;
  constructor(random) {
    this.random = random;
  }
  onneed = () => {};
  change() {
    this.version++;
    this.check();
  }
  check() {
    if (!this.closed && this.signalingState === "stable" && this.version > this.told) queueMicrotask(() => this.onneed());
  }
  async pause() {
    for (let i = Math.floor(this.random() * 4); i > 0; i--) await null;
    if (this.closed) throw new Error("closed");
  }
  async setLocalDescription() {
    await this.pause();
    const id = ++next;
    if (this.signalingState === "have-remote-offer") {
      this.localDescription = { type: "answer", sdp: JSON.stringify({ id, to: this.remoteDescription.id }) };
      this.signalingState = "stable";
      this.check();
    } else {
      this.#offered = this.version;
      this.localDescription = { type: "offer", sdp: JSON.stringify({ id }) };
      this.signalingState = "have-local-offer";
    }
  }
  async setRemoteDescription({ type, sdp }) {
    await this.pause();
    const { id, to } = JSON.parse(sdp);
    if (type === "offer") {
      // Taking one while one's own stands rolls that back.
      this.signalingState = "have-remote-offer";
    } else {
      if (this.signalingState !== "have-local-offer") throw new Error(`an answer in ${this.signalingState}`);
      if (to !== JSON.parse(this.localDescription.sdp).id) throw new Error("an answer to another offer");
      this.signalingState = "stable";
      this.told = this.#offered;
      this.check();
    }
    this.remoteDescription = { id, type };
  }
  async addIceCandidate(candidate) {
    await this.pause();
    if (!this.remoteDescription) throw new Error("a candidate before any description");
    this.candidates.push(candidate);
  }
}

/** Two ends; what they say arrives in order, at any time. */
class Pair {
  wire = { a: [], b: [] };
  troubles = [];
  constructor(random) {
    this.random = random;
    this.ends = { a: this.end("a", "b", false), b: this.end("b", "a", true) };
  }
  end(own, other, polite) {
    const end = { peers: [] };
    const open = () => {
      const peer = new Peer(this.random);
      peer.onneed = () => end.negotiation.need();
      end.peers.push((end.peer = peer));
      return peer;
    };
    open();
    end.negotiation = new Negotiation({
      peer: end.peer,
      polite,
      say: (word) => this.wire[other].push(word),
      afresh: () => {
        end.peer.closed = true;
        return open();
      },
      failed: (error) => this.troubles.push(error.message),
    });
    return end;
  }
  async step() {
    const own = this.random() < 0.5 ? "a" : "b";
    const end = this.ends[own];
    const dies = this.random();
    if (dies < 0.25) end.peer.change();
    else if (dies < 0.35) this.wire[own === "a" ? "b" : "a"].push({ kind: "candidate", candidate: ++next });
    else this.deliver(own);
    for (let i = Math.floor(this.random() * 6); i > 0; i--) await null;
  }
  deliver(own) {
    const word = this.wire[own].shift();
    if (word) this.ends[own].negotiation.take(word);
  }
  async settle() {
    for (let i = 0; i < 200; i++) {
      this.deliver("a");
      this.deliver("b");
      await new Promise((done) => setImmediate(done));
    }
  }
}

test("whatever crosses, both ends agree in the end, and nothing is refused", async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const pair = new Pair(dice(seed));
    for (let step = 0; step < 40; step++) await pair.step();
    pair.ends.a.peer.change();
    await pair.settle();
    const { a, b } = pair.ends;
    assert.deepEqual(pair.troubles, [], `seed ${seed}`);
    assert.deepEqual([a.peer.signalingState, b.peer.signalingState], ["stable", "stable"], `seed ${seed}`);
    for (const end of [a, b]) assert.equal(end.peer.told, end.peer.version, `seed ${seed}: all changes are agreed upon`);
    assert.ok(a.negotiation.agreed && b.negotiation.agreed);
    assert.equal(a.peers.length, 1, `seed ${seed}: the impolite end keeps its connection`);
    assert.ok(b.peers.length <= 2, `seed ${seed}: the polite one makes at most one more`);
  }
});

test("candidates wait for the description that they belong to, and those of an ignored offer are dropped", async () => {
  const pair = new Pair(() => 0);
  const { a, b } = pair.ends;
  await a.negotiation.take({ kind: "candidate", candidate: "early" });
  a.peer.change();
  b.peer.change();
  await new Promise((done) => setImmediate(done));
  pair.wire.a.push({ kind: "candidate", candidate: "of the offer that gives way" });
  await pair.settle();
  assert.deepEqual(pair.troubles, []);
  assert.ok(a.peer.candidates.includes("early"));
  assert.ok(!a.peer.candidates.includes("of the offer that gives way"));
});

test("what can't be applied is told, and what comes after it is taken", async () => {
  const pair = new Pair(() => 0);
  const { a } = pair.ends;
  await a.negotiation.take({ kind: "offer", sdp: "not a description" });
  assert.equal(pair.troubles.length, 1);
  await a.negotiation.take({ kind: "answer", sdp: "to nothing" });
  pair.ends.b.peer.change();
  await pair.settle();
  assert.ok(a.negotiation.agreed);
  a.negotiation.end();
  await a.negotiation.take({ kind: "offer", sdp: "late" });
  assert.equal(pair.troubles.length, 1, "nothing is heard after the end");
});
