import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Branch, Leaf, LevelTree } from "../../../../src/broker/routes/level-tree.js";
import { TopicTree } from "../../../../src/broker/routes/topic-tree.js";
import { matches } from "../../../../src/core/topics.js";
import { filter, topic } from "./specimens.js";

interface Value {
  readonly topic: string;
}

function all(tree: TopicTree<Value>, by: string): string[] {
  const found: string[] = [];
  const walk = tree.match(by);
  while (walk.advance(3, (_, name) => found.push(name)));
  return found;
}

describe("a tree of topics", () => {
  it("keeps the latest of each topic, and finds what a filter takes", () => {
    const change = fc.record({ topic, set: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40, size: "max" }),
        fc.array(filter, { maxLength: 10 }),
        (changes, filters) => {
          const tree = new TopicTree<Value>();
          const naive = new Map<string, Value>();
          for (const one of changes) {
            const value = { topic: one.topic };
            if (one.set) {
              tree.set(one.topic, value);
              naive.set(one.topic, value);
            } else {
              assert.equal(tree.delete(one.topic), naive.delete(one.topic));
            }
            assert.equal(tree.get(one.topic), naive.get(one.topic));
            assert.equal(tree.size, naive.size);
          }
          for (const one of filters) {
            const expected = [...naive.keys()].filter((name) => matches(one, name));
            assert.deepEqual(all(tree, one).toSorted(), expected.toSorted(), one);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is walked while it changes: what stays is found once, what went before it was found is not found", () => {
    const change = fc.record({ topic, set: fc.boolean(), steps: fc.nat(3) });
    fc.assert(
      fc.property(
        fc.uniqueArray(topic, { maxLength: 30, size: "max" }),
        filter,
        fc.array(change, { maxLength: 20, size: "max" }),
        (topics, by, changes) => {
          const tree = new TopicTree<Value>();
          for (const name of topics) tree.set(name, { topic: name });
          const stays = new Set(topics);
          const found: string[] = [];
          const walk = tree.match(by);
          const hear = (value: Value, name: string): void => {
            assert.equal(tree.get(name), value);
            found.push(name);
          };
          for (const one of changes) {
            walk.advance(one.steps, hear);
            if (one.set) {
              tree.set(one.topic, { topic: one.topic });
            } else {
              tree.delete(one.topic);
              stays.delete(one.topic);
            }
          }
          while (walk.advance(1, hear));
          for (const name of stays) {
            assert.equal(found.filter((one) => one === name).length, matches(by, name) ? 1 : 0, name);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("takes no more steps at a time than it is told, where nothing is found too", () => {
    const tree = new TopicTree<Value>();
    for (let number = 0; number < 1000; number++) tree.set(`n/${number}/y`, { topic: "" });
    let found = 0;
    let turns = 1;
    for (const walk = tree.match("n/#"); walk.advance(10, () => found++); ) {
      turns++;
      assert.ok(found <= 10 * turns);
    }
    assert.equal(found, 1000);
    assert.ok(turns >= 100);
    turns = 1;
    for (const walk = tree.match("+/+/x"); walk.advance(10, () => assert.fail()); ) turns++;
    assert.ok(turns >= 100);
  });

  it("takes topics of 32,767 levels", () => {
    const tree = new TopicTree<Value>();
    const deep = "a/".repeat(32_766);
    for (const end of ["x", "y", ""]) tree.set(deep + end, { topic: end });
    for (const by of ["#", `${"+/".repeat(32_766)}+`, `${deep}#`]) assert.equal(all(tree, by).length, 3);
    assert.deepEqual(all(tree, `${deep}y`), [`${deep}y`]);
    assert.ok(tree.delete(`${deep}x`));
    assert.equal(tree.get(deep)?.topic, "");
  });
});

describe("a tree of levels", () => {
  it("has no branch that does not part two names", () => {
    const change = fc.record({ name: topic, set: fc.boolean() });
    const namesBelow = (branch: Branch<Value>): number => {
      let names = 0;
      for (const slot of branch.values()) {
        const below = slot instanceof Leaf ? 1 : namesBelow(slot);
        assert.ok(slot instanceof Leaf || below >= 2);
        names += below;
      }
      return names;
    };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40, size: "max" }), (changes) => {
        const tree = new LevelTree<Value>();
        for (const { name, set } of changes) {
          if (set) tree.set(name, { topic: name });
          else tree.delete(name);
          assert.equal(namesBelow(tree.root), tree.size);
        }
      }),
    );
  });

  it("is not slower by the length of what two names share, level by level", () => {
    // 32,767 comparisons of 64 kB took 90 ms for each name.
    const tree = new LevelTree<Value>();
    const deep = "+/".repeat(32_766);
    const before = process.cpuUsage();
    for (let number = 0; number < 20; number++) {
      const path = `${number}${deep.slice(2)}`;
      for (const end of ["x", "y"]) tree.set(`${path}${end}`, { topic: end });
      for (const end of ["x", "y"]) assert.ok(tree.delete(`${path}${end}`));
    }
    assert.ok(process.cpuUsage(before).user < 1_500_000);
    assert.equal(tree.root.size, 0);
  });
});
