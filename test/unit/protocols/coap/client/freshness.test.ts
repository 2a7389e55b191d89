import assert from "node:assert/strict";
import { test } from "node:test";
import { isFresh } from "../../../../../src/protocols/coap/client/freshness.js";

const LAST = 2 ** 24 - 1;
const HALF = 2 ** 23;

for (const [before, after, later, fresh] of [
  [1, 2, 0, true],
  [2, 2, 0, false],
  [2, 1, 0, false],
  [LAST, 0, 0, true],
  [LAST, HALF - 2, 0, true],
  [LAST, HALF - 1, 0, false],
  [0, LAST, 0, false],
  [0, HALF - 1, 0, true],
  [0, HALF, 0, false],
  [2, 1, 128_000, false],
  [2, 1, 128_001, true],
  [2, 2, 128_001, true],
] as const) {
  test(`RFC 7641 3.4: ${after} is ${fresh ? "" : "not "}newer than ${before} ${later} ms before`, () => {
    assert.equal(isFresh({ number: before, at: 1000 }, { number: after, at: 1000 + later }), fresh);
  });
}

test("the first one is fresh", () => assert.equal(isFresh(undefined, { number: 0, at: 0 }), true));
