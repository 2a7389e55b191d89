import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { localFilter, remoteFilter, toRemote } from "../../../../src/core/topics.js";
import { type TopicLine, toMapping } from "../../../../src/import/mosquitto/topic.js";

const levels = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 3 }).map((all) => all.join("/"));
const wild = fc.constantFrom("", "#", "/#", "+", "+/x", "/", "x", "/x");
const topicLine: fc.Arbitrary<TopicLine> = fc
  .record({ start: levels, end: wild, local: levels, remote: levels })
  .map(({ start, end, local, remote }) => ({
    pattern: `${start}${end}`,
    local,
    remote,
    direction: "out" as const,
    qos: 0 as const,
    extra: [],
  }));

test("whatever is carried over has the topics that mosquitto puts together, on both sides", () => {
  let carried = 0;
  fc.assert(
    fc.property(topicLine, (line) => {
      const mapping = toMapping(line);
      if (typeof mapping === "string") return;
      carried += 1;
      assert.equal(localFilter(mapping), line.local + line.pattern);
      assert.equal(remoteFilter(mapping), line.remote + line.pattern);
      // A topic below keeps what the pattern took and changes its prefix.
      const topic = localFilter(mapping).replace("#", "x/y").replaceAll("+", "z");
      assert.equal(toRemote(mapping, topic), line.remote + topic.slice(line.local.length));
    }),
    { numRuns: 2000 },
  );
  assert.ok(carried > 200, `only ${carried} of 2000 were carried over`);
});

test("what whole levels can say is carried over", () => {
  const line = { direction: "out", qos: 0, extra: [] } as const;
  const cases = [
    [
      { pattern: "#", local: "L/", remote: "R/" },
      { filter: "#", localPrefix: "L/", remotePrefix: "R/" },
    ],
    [
      { pattern: "/#", local: "L", remote: "R/S" },
      { filter: "#", localPrefix: "L/", remotePrefix: "R/S/" },
    ],
    [
      { pattern: "-x", local: "a/p", remote: "p" },
      { filter: "p-x", localPrefix: "a/", remotePrefix: "" },
    ],
    [
      { pattern: "", local: "a/t", remote: "t" },
      { filter: "t", localPrefix: "a/", remotePrefix: "" },
    ],
    [
      { pattern: "", local: "a/t/", remote: "t/" },
      { filter: "t/", localPrefix: "a/", remotePrefix: "" },
    ],
  ] as const;
  for (const [given, mapping] of cases) assert.deepEqual(toMapping({ ...line, ...given }), mapping);
});
