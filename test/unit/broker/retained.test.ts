import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Publication, weightOf } from "../../../src/broker/publication.js";
import { Retained } from "../../../src/broker/retained.js";
import { fakeStore } from "./session/fakes.js";
import { publicationOf } from "./session/model.js";

function open({ messages = 100, bytes = 1_000_000, recovered = [] as readonly Publication[] } = {}) {
  const refused: string[] = [];
  const store = fakeStore();
  const clock = { now: 0 };
  const limits = { retainedMessages: messages, retainedSize: bytes };
  const retained = new Retained(
    { limits, store, now: () => clock.now, refused: (topic) => void refused.push(topic) },
    recovered,
  );
  const found = (filter: string): string[] => {
    const topics: string[] = [];
    const walk = retained.walk(filter);
    while (walk.advance(3, ({ topic }) => topics.push(topic)));
    return topics;
  };
  return { retained, refused, store, clock, found };
}
const empty = (topic: string): Publication => publicationOf(topic, { payload: new Uint8Array(0) });

test("the latest of each topic, until an empty one takes it away; both are stored", () => {
  const { retained, store, found } = open();
  for (const topic of ["a/b", "a/c", "a/b"]) retained.keep(publicationOf(topic));
  assert.deepEqual(found("a/+").sort(), ["a/b", "a/c"]);
  retained.keep(empty("a/b"));
  retained.keep(empty("never"));
  assert.deepEqual(found("#"), ["a/c"]);
  assert.deepEqual(store.said, ["retain a/b 3", "retain a/c 3", "retain a/b 3", "retain a/b 0"]);
});

test("$SYS is kept, but not stored", () => {
  const { retained, store, found } = open();
  retained.keep(publicationOf("$SYS/a"));
  assert.deepEqual([found("$SYS/#"), found("#"), store.said], [["$SYS/a"], [], []]);
});

test("one that has expired is not found, and is gone from the store", () => {
  const { retained, clock, found, store } = open();
  retained.keep(publicationOf("a", { messageExpiry: 1_000 }));
  assert.deepEqual(found("a"), ["a"]);
  clock.now = 1_000;
  assert.deepEqual(found("a"), []);
  assert.equal(retained.size, 0);
  assert.equal(retained.bytes, 0);
  assert.deepEqual(store.said.at(-1), "retain a 0");
});

test("a bomb: neither more messages nor more bytes than may be, whatever they are made of", () => {
  const { retained, refused } = open({ messages: 10, bytes: 5_000 });
  for (let n = 0; n < 50; n++) retained.keep(publicationOf(`${n}`));
  assert.equal(retained.size, 10);
  assert.equal(refused.length, 40);
  retained.keep(publicationOf("0", { payload: new Uint8Array(10_000) }));
  assert.equal(refused.at(-1), "0");
  // Properties weigh too.
  retained.keep(
    publicationOf("1", { properties: { userProperties: Array.from({ length: 100 }, () => ["k", "v"] as const) } }),
  );
  assert.equal(refused.at(-1), "1");
  retained.keep(publicationOf("2", { properties: { correlationData: new Uint8Array(10_000) } }));
  assert.equal(refused.at(-1), "2");
  assert.ok(retained.bytes <= 5_000);
});

test("its bytes are the sum of what is there", () => {
  const topic = fc.constantFrom("a", "b", "c/d");
  fc.assert(
    fc.property(fc.array(fc.tuple(topic, fc.integer({ min: 0, max: 3 }))), (all) => {
      const { retained } = open();
      const model = new Map<string, number>();
      for (const [name, length] of all) {
        const publication = publicationOf(name, { payload: new Uint8Array(length) });
        retained.keep(publication);
        if (length === 0) model.delete(name);
        else model.set(name, weightOf(publication));
      }
      assert.equal(retained.size, model.size);
      assert.equal(
        retained.bytes,
        [...model.values()].reduce((sum, weight) => sum + weight, 0),
      );
    }),
  );
});

test("a small payload does not keep the chunk in which it came", () => {
  const { retained } = open();
  const chunk = new Uint8Array(65_536);
  retained.keep(publicationOf("a", { payload: chunk.subarray(10, 20) }));
  const walk = retained.walk("a");
  walk.advance(10, ({ payload }) => assert.equal(payload.buffer.byteLength, 10));
});
