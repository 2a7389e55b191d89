import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packetIdOf, SPAN, sequenceOf } from "../../../../src/broker/session/packet-id.js";

test("ids are 1 to 65,535, begin at 1, and no two within the span are the same", () => {
  assert.equal(packetIdOf(0), 1);
  assert.equal(packetIdOf(65_534), 65_535);
  assert.equal(packetIdOf(65_535), 1);
  assert.equal(new Set(Array.from({ length: SPAN }, (_, n) => packetIdOf(123_456 + n))).size, SPAN);
});

test("an id finds its sequence again, from the oldest on", () => {
  const oldest = fc.integer({ min: 0, max: 2 ** 45 });
  fc.assert(
    fc.property(oldest, fc.integer({ min: 0, max: SPAN - 1 }), (from, ahead) => {
      assert.equal(sequenceOf(packetIdOf(from + ahead), from), from + ahead);
    }),
  );
});
