import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonLine, median, row, table } from "../../../bench/report.js";

test("the median is the middle, or between the two middles, in any order", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 2, 4, 8]), 6);
  assert.throws(() => median([]), RangeError);
});

test("a row holds medians to three digits, and the ratio of the unrounded ones", () => {
  assert.deepEqual(row("ms", [503.96, 1, 9_000], [10.814]), { case: "ms", weir: 504, peer: 10.8, ratio: 46.6 });
  assert.deepEqual(row("ms", [2]), { case: "ms", weir: 2, peer: null, ratio: null });
  assert.deepEqual(row("lost", [2], [0]), { case: "lost", weir: 2, peer: 0, ratio: null });
});

test("the table lines numbers up and shows a missing peer as a dash", () => {
  assert.equal(
    table([row("ready, ms", [504], [10.8]), row("b", [7])]),
    ["case       weir  peer  weir/peer", "ready, ms   504  10.8       46.7", "b             7     -          -"].join(
      "\n",
    ),
  );
});

test("the json is one line with the rows as they are", () => {
  const rows = [row("a", [1], [2]), row("b", [3])];
  const line = jsonLine("startup", rows);
  assert.equal(line.includes("\n"), false);
  assert.deepEqual(JSON.parse(line), { bench: "startup", rows });
});
