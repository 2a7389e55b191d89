import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seedOf } from "../../../src/simulator/simulate.js";

test("seeds are the FNV-1a hash of 32 bits", () => {
  // draft-eastlake-fnv, appendix C
  assert.equal(seedOf(""), 0x811c9dc5);
  assert.equal(seedOf("a"), 0xe40c292c);
  assert.equal(seedOf("foobar"), 0xbf9cf968);
});

test("property: a seed is a number of 32 bits without a sign", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const seed = seedOf(name);
      assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
    }),
  );
});
