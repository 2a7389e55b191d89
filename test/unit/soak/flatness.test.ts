import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../soak/flatness.js";

const run = (rss: (minute: number) => number) =>
  judge(
    Array.from({ length: 180 }, (_, n) => ({ at: n * 10, rss: rss(n / 6), used: 0 })),
    "rss",
  );

test("what settles is flat, whatever it took at the beginning and however it swings", () => {
  assert.equal(run((minute) => 100e6 + 80e6 * Math.min(1, minute / 10)).flat, true);
  assert.equal(run((minute) => 100e6 + 20e6 * Math.sin(minute * 7)).flat, true);
});

test("a leak is not: a megabyte a minute of a hundred", () => {
  const { flat, slope } = run((minute) => 100e6 + 1e6 * minute + 5e6 * Math.sin(minute * 7));
  assert.equal(flat, false);
  assert.ok(Math.abs(slope - 1e6) < 0.1e6);
});

test("too few samples say nothing", () => {
  assert.equal(judge([], "used").flat, false);
  assert.equal(judge([{ at: 0, rss: 1, used: 1 }], "used").flat, false);
});
