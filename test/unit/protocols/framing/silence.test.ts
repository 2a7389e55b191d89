import assert from "node:assert/strict";
import { test } from "node:test";
import { createFramer, type Framing } from "../../../../src/protocols/framing/framing.js";
import { latin1, summarize } from "./play.js";

const SILENCE: Framing = { kind: "silence", gap: 20, max: 6 };

test("a pause of the gap ends a frame, a shorter one does not", () => {
  const framer = createFramer(SILENCE);
  assert.equal(framer.deadline, undefined);
  assert.deepEqual(framer.push(latin1("ab"), 100), []);
  assert.equal(framer.deadline, 120);
  assert.deepEqual(framer.push(latin1("c"), 119.5), []);
  assert.equal(framer.deadline, 139.5);
  assert.equal(framer.pending, 3);
  assert.deepEqual(framer.tick(139), []);
  assert.deepEqual(framer.tick(139.5), [{ kind: "frame", bytes: latin1("abc"), size: 3 }]);
  assert.equal(framer.deadline, undefined);
  assert.equal(framer.pending, 0);
  assert.deepEqual(framer.tick(500), []);
});

test("bytes that come late end the frame before them, though nobody ticked", () => {
  const framer = createFramer(SILENCE);
  framer.push(latin1("ab"), 0);
  assert.deepEqual(summarize(framer.push(latin1("cd"), 20)), [["frame", "ab", 2]]);
  assert.deepEqual(summarize(framer.push(latin1(""), 40)), [["frame", "cd", 2]]);
});

test("an empty chunk is no sign of life", () => {
  const framer = createFramer(SILENCE);
  framer.push(latin1("ab"), 0);
  framer.push(latin1(""), 15);
  assert.equal(framer.deadline, 20);
});

test("a frame that is too long goes up to the next pause", () => {
  const framer = createFramer(SILENCE);
  assert.deepEqual(framer.push(latin1("123456"), 0), []);
  assert.deepEqual(summarize(framer.push(latin1("7"), 1)), [["too_long", 7]]);
  assert.deepEqual(summarize(framer.push(latin1("ok"), 20)), [["too_long", 2]]);
  assert.equal(framer.deadline, undefined);
  assert.deepEqual(framer.push(latin1("ok"), 40), []);
  assert.deepEqual(summarize(framer.tick(60)), [["frame", "ok", 2]]);
});

test("a chunk beyond the bound is counted, not kept", () => {
  const framer = createFramer(SILENCE);
  assert.deepEqual(summarize(framer.push(new Uint8Array(1_000_000), 0)), [["too_long", 1_000_000]]);
  assert.equal(framer.pending, 0);
});

test("a refused frame is discarded whole", () => {
  const framer = createFramer(SILENCE, (frame) => frame.length > 2);
  framer.push(latin1("ab"), 0);
  assert.deepEqual(summarize(framer.push(latin1("abc"), 30)), [["checksum", 2]]);
  assert.deepEqual(summarize(framer.tick(60)), [["frame", "abc", 3]]);
});

test("the end of the stream is the last pause", () => {
  const framer = createFramer(SILENCE);
  framer.push(latin1("ab"), 0);
  assert.deepEqual(summarize(framer.end()), [["frame", "ab", 2]]);
  assert.deepEqual(framer.end(), []);
});

test("options that cannot be are refused by name", () => {
  assert.throws(() => createFramer({ ...SILENCE, gap: 0 } as Framing), /^RangeError: gap/);
  assert.throws(() => createFramer({ ...SILENCE, gap: Number.NaN } as Framing), /^RangeError: gap/);
  assert.throws(() => createFramer({ ...SILENCE, max: 65_537 } as Framing), /^RangeError: max/);
});
