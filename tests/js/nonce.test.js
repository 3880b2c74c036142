import assert from "node:assert/strict";
import { test } from "node:test";

import { nonce } from "../../static/js/core/nonce.js";

test("a nonce is a UUID of version 7, that says when it was made", () => {
  const before = Date.now();
  const made = nonce();
  assert.match(made, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const at = Number.parseInt(made.replaceAll("-", "").slice(0, 12), 16);
  assert.ok(before <= at && at <= Date.now());
});

test("no two are the same", () => {
  const made = new Set(Array.from({ length: 1_000 }, nonce));
  assert.equal(made.size, 1_000);
});
