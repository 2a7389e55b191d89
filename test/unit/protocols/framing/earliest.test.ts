import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { earliest } from "../../../../src/protocols/framing/earliest.js";
import { Outputs } from "../../../../src/protocols/framing/outputs.js";
import { Window } from "../../../../src/protocols/framing/window.js";
import { latin1 } from "./play.js";

/** The definition itself: after each byte, is there a match that ends there and begins no further back than the look-back? */
function slowly(pattern: string, text: string, lookback: number, from: number): readonly [number, number] | undefined {
  const expression = new RegExp(`^(?:${pattern})$`, "s");
  for (let end = from + 1; end <= text.length; end += 1) {
    for (let begin = Math.max(from, end - lookback); begin < end; begin += 1) {
      if (expression.test(text.slice(begin, end))) return [begin, end];
    }
  }
  return undefined;
}

const PATTERNS = [
  "a+b?",
  "ab+",
  "a.*b",
  "a[^b]*b",
  "(ab|ba)+c",
  "abc|b",
  "c(ab?)*c\n",
  "!([abc]{2})?\n",
  ".a{3}",
  "a.{4}a",
];

test("the end found is that of the definition, for any pattern, look-back and text", () => {
  // Texts longer than a block of the search, so that matches lie across two.
  const texts = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."abc!\n"), maxLength: 40 }),
    fc
      .tuple(
        fc.constantFrom(..."ab\n"),
        fc.integer({ min: 230, max: 270 }),
        fc.string({ unit: fc.constantFrom(..."abc!\n") }),
      )
      .map(([filler, length, rest]) => filler.repeat(length) + rest),
  );
  const lookbacks = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...PATTERNS), lookbacks, texts, fc.nat(5), (pattern, lookback, text, skip) => {
      const from = Math.min(skip, text.length);
      const window = new Window(text.length + 1, new Outputs());
      window.fill(latin1(text), 0);
      const search = earliest(pattern, lookback);
      const end = search.end(window, from, from, text.length);
      const expected = slowly(pattern, text, lookback, from);
      assert.equal(end, expected?.[1]);
      if (end !== undefined) assert.equal(search.begin(window, from, end), expected?.[0]);
    }),
    { numRuns: 2000 },
  );
});
