import assert from "node:assert/strict";
import { test } from "node:test";
import { comparison, jsonLine, median, row, spread, table } from "../../../bench/report.js";

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

test("a comparison has a ratio to each peer, and how far the runs of each lie apart", () => {
  const peers = [
    { name: "mosquitto", values: [50, 40, 60] },
    { name: "aedes", values: [400] },
  ];
  assert.deepEqual(comparison("m/s", [100, 110, 100], peers, "x2", "odd"), {
    case: "m/s",
    weir: 100,
    peer: 50,
    ratio: 2,
    others: [{ name: "aedes", value: 400, ratio: 0.25 }],
    spread: [10, 40, 0],
    target: "x2",
    remarks: "odd",
  });
  assert.deepEqual(comparison("m/s", [7], []), { case: "m/s", weir: 7, peer: null, ratio: null, others: [] });
});

test("the spread is of the median, and none where that is zero", () => {
  assert.equal(spread([8, 10, 13]), 50);
  assert.equal(spread([0, 0, 5]), 0);
});

test("the table has columns for further peers, spread, target and remarks where a row has them", () => {
  const peers = [
    { name: "mosquitto", values: [50] },
    { name: "aedes", values: [40] },
  ];
  assert.equal(
    table([comparison("a, m/s", [100, 100], peers, "x2, goal x3"), row("b", [7], [7])]),
    [
      "case    weir  peer  weir/peer  aedes  weir/aedes  spread, %  target",
      "a, m/s   100    50          2     40         2.5  0/0/0      x2, goal x3",
      "b          7     7          1      -           -",
    ].join("\n"),
  );
});

test("the json is one line with the rows as they are", () => {
  const rows = [row("a", [1], [2]), row("b", [3])];
  const line = jsonLine("startup", rows);
  assert.equal(line.includes("\n"), false);
  assert.deepEqual(JSON.parse(line), { bench: "startup", rows });
});
