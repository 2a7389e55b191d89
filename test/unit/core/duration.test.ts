import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../../src/core/duration.js";

test("durations are ms, with a unit always", () => {
  const table: [string, number | undefined][] = [
    ["500ms", 500],
    ["10s", 10_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["10", undefined],
    ["10 s", undefined],
    ["-1s", undefined],
    ["1e3s", undefined],
    ["s", undefined],
    ["", undefined],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test("durations are written as they are read", () => {
  fc.assert(fc.property(fc.nat(1e10), (ms) => parseDuration(formatDuration(ms)) === ms));
});
