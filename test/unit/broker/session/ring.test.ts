import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ring } from "../../../../src/broker/session/ring.js";

test("as a map of consecutive sequences, whatever is put in, left out and taken away", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("push" as const), by: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("skip" as const), by: fc.integer({ min: 0, max: 20 }) }) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant("clear" as const), by: fc.integer({ min: -2, max: 40 }) }),
      },
    ),
    { maxLength: 200, size: "max" },
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 7, 2 ** 31 - 3, 2 ** 40), steps, (start, all) => {
      const ring = new Ring<string>(start);
      const model = new Map<number, string>();
      let tail = start;
      for (const { kind, by } of all) {
        if (kind === "push") {
          model.set(tail, `${tail}`);
          assert.equal(ring.push(`${tail}`), tail);
          tail++;
        } else if (kind === "skip") {
          ring.skipTo(tail + by);
          tail += by;
        } else {
          ring.clear(ring.head + by);
          model.delete(ring.head + by);
        }
        for (const sequence of model.keys()) if (ring.at(sequence) === undefined) model.delete(sequence);
        assert.equal(ring.tail, tail);
        for (const [sequence, value] of model) assert.equal(ring.at(sequence), value);
        assert.equal(ring.at(ring.head - 1), undefined);
        assert.equal(ring.at(tail), undefined);
      }
    }),
  );
});

test("what was taken away at the head moves it on, past gaps", () => {
  const ring = new Ring<number>(0);
  for (let n = 0; n < 5; n++) ring.push(n);
  ring.clear(1);
  assert.equal(ring.head, 0);
  ring.clear(0);
  assert.equal(ring.head, 2);
  for (const n of [2, 3, 4]) ring.clear(n);
  assert.equal(ring.head, ring.tail);
});

test("an empty one skips any distance at once", () => {
  const ring = new Ring<number>(0);
  ring.skipTo(2 ** 50);
  assert.equal(ring.push(1), 2 ** 50);
});
