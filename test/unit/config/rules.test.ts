import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { covers, overlap } from "../../../src/config/rules.js";
import { matches, validFilter } from "../../../src/core/topics.js";

const level = fc.constantFrom("a", "b", "+", "$s");
const filter = fc
  .tuple(fc.array(level, { minLength: 0, maxLength: 3 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all || levels.length === 0 ? ["#"] : [])].join("/"))
  .filter(validFilter);

/** Every topic of up to four levels: enough to tell filters of up to three apart. */
const words = ["a", "b", "$s", "c"];
const deeper = (topics: readonly string[]) => topics.flatMap((topic) => words.map((word) => `${topic}/${word}`));
const topics = [words, deeper(words), deeper(deeper(words)), deeper(deeper(deeper(words)))].flat();

test("two filters overlap exactly when some topic matches both", () => {
  fc.assert(
    fc.property(filter, filter, (a, b) => {
      const both = topics.some((topic) => matches(a, topic) && matches(b, topic));
      assert.equal(overlap(a, b), both, `${a} and ${b}`);
      assert.equal(overlap(b, a), both, `${b} and ${a}`);
    }),
    { numRuns: 3000 },
  );
});

test("one filter covers another exactly when every topic of that matches it too", () => {
  fc.assert(
    fc.property(filter, filter, (wide, narrow) => {
      const all = topics.every((topic) => !matches(narrow, topic) || matches(wide, topic));
      assert.equal(covers(wide, narrow), all, `${wide} covers ${narrow}`);
    }),
    { numRuns: 3000 },
  );
});
