import { test } from "node:test";
import assert from "node:assert/strict";
import { placeOf } from "../../static/js/core/grouping.js";
import { Unread } from "../../static/js/core/unread.js";

const MINUTE = 60_000;
const noon = new Date(2026, 4, 13, 12).getTime();
const line = (over) => ({ author: "a", at: noon, system: false, reply: false, ...over });

test("messages by one person within five minutes stand together", () => {
  assert.deepEqual(placeOf(line(), null), { day: true, follows: false });
  assert.equal(placeOf(line({ at: noon + 4 * MINUTE }), line()).follows, true);
  assert.equal(placeOf(line({ at: noon + 5 * MINUTE }), line()).follows, false);
  assert.equal(placeOf(line({ author: "b" }), line()).follows, false);
  assert.equal(placeOf(line({ reply: true }), line()).follows, false);
  assert.equal(placeOf(line(), line({ system: true })).follows, false);
});

test("the reader's midnight begins a day, and breaks a group", () => {
  const late = new Date(2026, 4, 13, 23, 59).getTime();
  assert.deepEqual(placeOf(line({ at: late + 2 * MINUTE }), line({ at: late })), { day: true, follows: false });
});

test("unread and mentions are counted once each, and only those of others", () => {
  const unread = new Unread("me");
  unread.set("r", { seq: 10, read: 10, mentions: 0 });
  unread.posted("r", { seq: 11, author: "a", mentions: ["me"] });
  unread.posted("r", { seq: 11, author: "a", mentions: ["me"] });
  unread.posted("r", { seq: 12, author: "a", everyone: true });
  unread.posted("r", { seq: 13, author: "a" });
  assert.deepEqual(unread.of("r"), { seq: 13, read: 10, mentions: 2 });
  unread.read("r", 13);
  assert.deepEqual(unread.of("r"), { seq: 13, read: 13, mentions: 0 });
  unread.posted("r", { seq: 14, author: "me" });
  assert.deepEqual(unread.of("r"), { seq: 14, read: 14, mentions: 0 });
});

test("a mark never goes back, whatever comes late", () => {
  const unread = new Unread("me");
  unread.set("r", { seq: 10, read: 4, mentions: 2 });
  unread.read("r", 10);
  unread.read("r", 6, 1);
  unread.set("r", { seq: 10, read: 6, mentions: 1 });
  assert.deepEqual(unread.of("r"), { seq: 10, read: 10, mentions: 0 });
});
