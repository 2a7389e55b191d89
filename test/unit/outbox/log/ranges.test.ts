import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lengthOf, outside, type Range, withRange } from "../../../../src/outbox/log/ranges.js";

const range = fc.tuple(fc.nat(40), fc.nat(8)).map(([first, more]) => ({ first, last: first + more }));

function members(ranges: readonly Range[]): number[] {
  return ranges.flatMap((one) => Array.from({ length: lengthOf(one) }, (_, index) => one.first + index));
}

test("ranges hold what was put in, in order and apart; the rest is outside", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), range, (added, asked) => {
      const ranges = added.reduce<readonly Range[]>(withRange, []);
      const held = new Set(members(added));
      assert.deepEqual(
        members(ranges),
        [...held].sort((a, b) => a - b),
      );
      for (const [index, one] of ranges.entries()) assert.ok(one.first > (ranges[index - 1]?.last ?? -2) + 1);
      assert.deepEqual(
        members(outside(asked, ranges)),
        members([asked]).filter((number) => !held.has(number)),
      );
    }),
  );
});

test("an empty range changes nothing", () => {
  assert.deepEqual(withRange([{ first: 1, last: 2 }], { first: 5, last: 4 }), [{ first: 1, last: 2 }]);
  assert.deepEqual(outside({ first: 5, last: 4 }, []), []);
});
