import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LONGEST_PAUSE, pauseAfter, SHORTEST_PAUSE } from "../../../src/link/backoff.js";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a pause is never shorter than half a second and never longer than a minute", () => {
  fc.assert(
    fc.property(fc.nat(), chance, (failures, random) => {
      const pause = pauseAfter(failures, random);
      assert.ok(pause >= SHORTEST_PAUSE && pause <= LONGEST_PAUSE, `${pause}`);
    }),
  );
});

test("the limit doubles with every failure up to the longest pause", () => {
  const limits = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => Math.round(pauseAfter(failures, 1 - 1e-9) / 1000));
  assert.deepEqual(limits, [1, 2, 4, 8, 16, 32, 60, 60]);
});

test("all of the range below the limit is used", () => {
  assert.equal(pauseAfter(8, 0), SHORTEST_PAUSE);
  assert.equal(pauseAfter(8, 0.5), SHORTEST_PAUSE + (LONGEST_PAUSE - SHORTEST_PAUSE) / 2);
});

test("a port that is not there is looked for every two seconds at the latest", () => {
  assert.ok(pauseAfter(50, 0.999, "PORT_NOT_FOUND") <= 2_000);
  assert.ok(pauseAfter(50, 0.999, "PORT_FAILED") <= 10_000);
  assert.ok(pauseAfter(50, 0.999, "ADDRESS_IN_USE") > 10_000);
});
