import { test } from "node:test";
import assert from "node:assert/strict";
import { roomsByName } from "../../static/js/features/roomlinks.js";

const found = (rooms, text) => [...text.matchAll(rooms.pattern)].map(([, name]) => rooms.ids.get(name.toLowerCase()));

test("rooms are found by the longest of their names, whatever the case, and only as whole words", () => {
  const rooms = roomsByName([["1", "Press"], ["2", "Press room"], ["3", "c.*d (x)"], ["4", "Ä"], ["5", ""]]);
  assert.deepEqual(found(rooms, "see #press room, then #Press."), ["2", "1"]);
  assert.deepEqual(found(rooms, "(#PRESS) a#press #pressed #Press-room"), ["1", "1"]);
  assert.deepEqual(found(rooms, "#c.*d (x) #cxxd (x) #ä #äh"), ["3", "4"]);
  assert.deepEqual(found(rooms, "# Press # nothing"), []);
  assert.equal(roomsByName([]), null);
  const signs = "-/\\^$.*+?()[]{}|<>\"'&#@=,;:!~`%_ é";
  assert.deepEqual(found(roomsByName([["6", signs], ["7", "front-desk"]]), `#${signs} and #front-desk`), ["6", "7"], "any sign may be in a name");
});
