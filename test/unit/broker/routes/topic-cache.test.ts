import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TopicCache, type Weighed } from "../../../../src/broker/routes/topic-cache.js";

interface Value extends Weighed {
  readonly of: string;
}

/** As `Routes` uses it. True where the topic was known. */
function ask(cache: TopicCache<Value>, topic: string, weight = 0): boolean {
  const value = cache.get(topic);
  if (value === undefined) cache.add(topic, { of: topic, weight });
  else assert.equal(value.of, topic);
  return value !== undefined;
}

const round = (cache: TopicCache<Value>, topics: number): number => {
  let known = 0;
  for (let number = 0; number < topics; number++) if (ask(cache, `t/${number}`)) known++;
  return known;
};

describe("the cache of topics", () => {
  it("knows all of as many topics as it has room for", () => {
    const cache = new TopicCache<Value>();
    assert.equal(round(cache, 16_000), 0);
    assert.equal(round(cache, 16_000), 16_000);
    assert.equal(cache.size, 16_000);
  });

  it("stays bounded, and keeps some where topics go round that are more", () => {
    const cache = new TopicCache<Value>();
    let known = 0;
    for (let time = 0; time < 10; time++) {
      known = round(cache, 100_000);
      assert.ok(cache.size <= 2 * 16_384);
    }
    assert.ok(known > 10_000, `${known} of 100,000`);
  });

  it("keeps what is asked for among many that come once", () => {
    const cache = new TopicCache<Value>();
    for (let number = 0; number < 200_000; number++) ask(cache, `once/${number}`);
    for (let time = 0; time < 10; time++) ask(cache, "often");
    let known = 0;
    for (let number = 200_000; number < 600_000; number++) {
      ask(cache, `once/${number}`);
      if (number % 100 === 0 && ask(cache, "often")) known++;
    }
    assert.ok(known > 3_900, `${known} of 4,000`);
  });

  it("moves what is asked for into the young generation, and forgets both", () => {
    const cache = new TopicCache<Value>();
    round(cache, 16_384);
    assert.ok(ask(cache, "t/7"));
    assert.equal(cache.size, 16_384);
    // One in eight is let in: another generation.
    for (let number = 0; number < 8 * 16_384; number++) ask(cache, `u/${number}`);
    assert.ok(ask(cache, "t/7"));
    assert.ok(!ask(cache, "t/8"));
    cache.clear();
    assert.equal(cache.size, 0);
  });

  it("is bounded by what topics and values weigh", () => {
    const cache = new TopicCache<Value>();
    const long = "x".repeat(50_000);
    for (let number = 0; number < 1_000; number++) ask(cache, long + number);
    assert.ok(cache.size * 100_000 < 20 * 1024 * 1024);
    const other = new TopicCache<Value>();
    for (let number = 0; number < 1_000; number++) ask(other, `${number}`, 1024 * 1024);
    assert.ok(other.size <= 18);
  });

  it("forgets what a filter takes, in both generations, and the weight with it", () => {
    const cache = new TopicCache<Value>();
    for (const topic of ["a/1", "a/2", "b/1"]) ask(cache, topic);
    cache.forget("a/1");
    assert.deepEqual([cache.get("a/1"), cache.get("a/2")?.of], [undefined, "a/2"]);
    cache.forget("a/+");
    assert.deepEqual([cache.get("a/2"), cache.get("b/1")?.of], [undefined, "b/1"]);
    // Eight of them fill a generation: were they counted on, a/1 and b/1 would be old, and then gone.
    for (let time = 0; time < 100; time++) {
      cache.add("heavy", { of: "heavy", weight: 1024 * 1024 });
      cache.forget(time % 2 === 0 ? "heavy" : "heavy/#");
    }
    assert.equal(cache.get("b/1")?.of, "b/1");
    cache.add("full", { of: "full", weight: 8 * 1024 * 1024 });
    cache.forget("b/1");
    assert.equal(cache.get("b/1"), undefined);
    cache.forget("+");
    assert.equal(cache.size, 0);
  });

  it("forgets all for a wildcard where there are many", () => {
    const cache = new TopicCache<Value>();
    round(cache, 1_000);
    cache.forget("other/#");
    assert.equal(cache.size, 0);
  });
});
