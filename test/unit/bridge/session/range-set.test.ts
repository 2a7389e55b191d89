import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RangeSet } from "../../../../src/bridge/session/range-set.js";

test("holds what was added and not forgotten, as ranges in order that do not touch", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ first: fc.integer({ min: 1, max: 60 }), length: fc.integer({ min: 1, max: 8 }) }),
    },
    { weight: 1, arbitrary: fc.record({ upTo: fc.integer({ min: 0, max: 70 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const set = new RangeSet();
      const model = new Set<number>();
      for (const one of steps) {
        if ("upTo" in one) {
          set.forget(one.upTo);
          for (const n of model) if (n <= one.upTo) model.delete(n);
        } else {
          set.add({ first: one.first, last: one.first + one.length - 1 });
          for (let n = one.first; n < one.first + one.length; n++) model.add(n);
        }
        const held = set.ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i),
        );
        assert.deepEqual(
          held,
          [...model].sort((a, b) => a - b),
        );
        for (const [index, { first }] of set.ranges.entries())
          assert.ok(index === 0 || first > (set.ranges[index - 1]?.last ?? 0) + 1);
      }
    }),
  );
});
