import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { covers, intersection } from "../../../../../src/broker/access/acl/filters.js";
import { matches, validFilter } from "../../../../../src/core/topics.js";

/** All topics of up to four levels over some names; `z` is in no filter, and stands for every other name. */
const NAMES = ["a", "b", "", "$x", "z"];
const TOPICS = (function* (): Generator<string> {
  let level: string[] = [...NAMES];
  for (let depth = 1; depth <= 4; depth++) {
    yield* level.filter((topic) => topic !== "");
    level = level.flatMap((topic) => NAMES.map((name) => `${topic}/${name}`));
  }
})();
const ALL = [...TOPICS];

/** Of up to three levels, so that a topic can be deeper than every filter. */
const filters = fc
  .tuple(
    fc.array(fc.constantFrom("a", "b", "", "$x", "+", "+"), { maxLength: 2 }),
    fc.constantFrom("a", "$x", "+", "#", ""),
  )
  .map(([levels, last]) => [...levels, last].join("/"))
  .filter(validFilter);

test("covers: what a filter takes, the other takes too, topic by topic", () => {
  fc.assert(
    fc.property(filters, filters, (wide, narrow) => {
      const inside = ALL.every((topic) => !matches(narrow, topic) || matches(wide, topic));
      assert.equal(covers(wide, narrow), inside, `${wide} covers ${narrow}`);
    }),
    { numRuns: 5_000 },
  );
});

test("intersection: the topics that both take, topic by topic", () => {
  fc.assert(
    fc.property(filters, filters, (one, other) => {
      const both = intersection(one, other);
      if (both !== undefined) assert.ok(validFilter(both), both);
      for (const topic of ALL) {
        const expected = matches(one, topic) && matches(other, topic);
        assert.equal(both !== undefined && matches(both, topic), expected, `${one} and ${other}: ${topic}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

test("the cases that are easy to get wrong", () => {
  assert.ok(covers("a/#", "a"));
  assert.ok(covers("+/#", "#") && covers("/+/#", "/#") && covers("+/+/#", "/#"));
  assert.equal(intersection("/#", "+"), undefined);
  assert.ok(!covers("+/+/#", "#"));
  assert.ok(!covers("a/+/#", "a/#"));
  assert.ok(!covers("#", "$SYS/#"));
  assert.ok(!covers("a/+", "a/#"));
  assert.equal(intersection("#", "$SYS/#"), undefined);
  assert.equal(intersection("a/#", "a"), "a");
  assert.equal(intersection("+/b/#", "a/+/c"), "a/b/c");
  assert.equal(intersection("a/+", "a"), undefined);
});
