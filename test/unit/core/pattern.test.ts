import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitsPattern } from "../../../src/core/pattern.js";

test("* stands for any text, or none", () => {
  for (const [pattern, text] of [
    ["*", ""],
    ["*", "x"],
    ["boiler-*", "boiler-"],
    ["boiler-*", "boiler-12"],
    ["*-1", "a-1-1"],
    ["a*b*c", "a-b-b-c"],
    ["a**b", "ab"],
    ["", ""],
    ["a.c", "a.c"],
  ] as const)
    assert.ok(fitsPattern(pattern, text), `${pattern} ${text}`);
  for (const [pattern, text] of [
    ["", "x"],
    ["boiler-*", "boiler"],
    ["boiler-*", "my-boiler-1"],
    ["*-1", "a-12"],
    ["a*b*c", "a-c-b"],
    ["a.c", "abc"],
    ["A", "a"],
  ] as const)
    assert.ok(!fitsPattern(pattern, text), `${pattern} ${text}`);
});

test("is what a regular expression says", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      assert.equal(fitsPattern(pattern, name), new RegExp(`^${pattern.replace(/\*+/g, ".*")}$`).test(name));
    }),
    { numRuns: 2000 },
  );
});

test("takes no longer than the lengths say, whatever a client calls itself", () => {
  const start = performance.now();
  assert.ok(!fitsPattern(`client-${"*a".repeat(60)}b`, `client-${"a".repeat(65_000)}`));
  assert.ok(performance.now() - start < 1000);
});
