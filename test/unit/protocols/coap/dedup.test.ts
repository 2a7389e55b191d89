import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Dedup } from "../../../../src/protocols/coap/dedup.js";

test("an answer is found until it expires", () => {
  const dedup = new Dedup(10, 1000);
  const entry = dedup.add("a", 100, 0);
  assert.equal(dedup.find("a", 0), entry);
  assert.equal(entry.reply, undefined);
  dedup.setReply(entry, Uint8Array.of(0, 127, 128, 255));
  assert.deepEqual(Array.from(dedup.find("a", 99)?.reply ?? []), [0, 127, 128, 255]);
  assert.equal(dedup.find("a", 100), undefined);
  assert.equal(dedup.find("b", 0), undefined);
});

test("the oldest goes when there are too many entries or bytes", () => {
  const dedup = new Dedup(2, 20);
  for (const key of ["a", "b", "c"]) dedup.add(key, 100, 0);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => dedup.find(key, 0) !== undefined),
    [false, true, true],
  );
  assert.equal(dedup.evicted, 1);
  const last = dedup.find("c", 0);
  assert.ok(last !== undefined);
  dedup.setReply(last, new Uint8Array(19));
  assert.deepEqual([dedup.entries, dedup.bytes, dedup.find("b", 0)], [1, 20, undefined]);
});

test("an answer to what was evicted is dropped, and not put to its successor", () => {
  const dedup = new Dedup(1, 100);
  const first = dedup.add("a", 100, 0);
  const second = dedup.add("a", 200, 150);
  dedup.setReply(first, Uint8Array.of(1));
  assert.equal(dedup.find("a", 150), second);
  assert.equal(second.reply, undefined);
  assert.equal(dedup.bytes, 1);
});

test("a key that comes again after it expired is kept when its old entry goes", () => {
  const dedup = new Dedup(4, 100);
  dedup.add("long", 1000, 0);
  dedup.add("a", 10, 0);
  const again = dedup.add("a", 500, 20);
  dedup.add("b", 2000, 1000); // drops "long", the old "a" and, expired too, the new one
  assert.equal(dedup.find("a", 499), undefined);
  assert.ok(again.evicted);
  assert.equal(dedup.entries, 1);
});

test("never more entries or bytes than allowed, and the sums are right", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "bb", "ccc", "dddd"),
    life: fc.nat(50),
    wait: fc.nat(20),
    reply: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, max) => {
      const dedup = new Dedup(max, 40);
      let now = 0;
      for (const { key, life, wait, reply } of steps) {
        now += wait;
        const found = dedup.find(key, now);
        assert.ok(found === undefined || found.expires > now);
        const entry = found ?? dedup.add(key, now + life, now);
        dedup.setReply(entry, new Uint8Array(reply));
        assert.ok(dedup.entries <= max && dedup.entries >= 0);
        assert.ok(dedup.bytes <= 40);
      }
      // Everything has expired at the end: one more entry is all there is.
      dedup.add("last", now + 1000, now + 100);
      assert.deepEqual([dedup.entries, dedup.bytes], [1, 4]);
    }),
  );
});

test("with room for none it keeps one, and no more", () => {
  const dedup = new Dedup(0, 0);
  for (let key = 0; key < 1000; key++) dedup.setReply(dedup.add(String(key), 1000, 0), new Uint8Array(100));
  assert.deepEqual([dedup.entries, dedup.find("0", 0), dedup.find("999", 0) === undefined], [1, undefined, false]);
});
