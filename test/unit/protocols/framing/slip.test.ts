import assert from "node:assert/strict";
import { test } from "node:test";
import { createFramer, type Framing } from "../../../../src/protocols/framing/framing.js";
import { expectOutputs, hex } from "./play.js";

const SLIP: Framing = { kind: "slip", max: 4 };

test("frames are unescaped, and an END before them belongs to them", () => {
  expectOutputs(SLIP, hex("C0 41 42 C0 43 C0 C0 DB DC DB DD C0"), [
    ["frame", "AB", 4],
    ["frame", "C", 2],
    ["frame", "\xc0\xdb", 6],
  ]);
});

test("more than one END in a row is noise", () => {
  expectOutputs(SLIP, hex("C0 C0 C0 41 C0 C0 C0"), [
    ["noise", 2],
    ["frame", "A", 3],
    ["noise", 2],
  ]);
});

test("an escape that cannot be spoils the frame up to its END", () => {
  expectOutputs(SLIP, hex("41 DB 41 DB DC C0 42 C0 41 DB C0 43 C0 DB DB 44 C0 45 C0"), [
    ["malformed", 6],
    ["frame", "B", 2],
    ["malformed", 3],
    ["frame", "C", 2],
    ["malformed", 4],
    ["frame", "E", 2],
  ]);
});

test("max counts the bytes without escapes", () => {
  expectOutputs(SLIP, hex("C0 DB DC DB DC DB DC DB DC C0 41 41 41 41 41 DB 41 C0 42 C0 41 41 41 41 DB DD"), [
    ["frame", "\xc0\xc0\xc0\xc0", 10],
    ["too_long", 8],
    ["frame", "B", 2],
    ["too_long", 6],
  ]);
});

test("a refused frame and one cut off by the end are counted with their escapes", () => {
  expectOutputs(
    SLIP,
    hex("C0 41 DB DC C0 41 C0 41 DB"),
    [
      ["checksum", 5],
      ["frame", "A", 2],
      ["incomplete", 2],
    ],
    (frame) => frame.length === 1,
  );
});

test("a stream that ends within a spoilt frame does not spoil the next one", () => {
  const framer = createFramer(SLIP);
  framer.push(hex("DB 41"), 0);
  framer.end();
  assert.deepEqual(framer.push(hex("41 C0"), 0), [{ kind: "frame", bytes: hex("41"), size: 2 }]);
});

test("options that cannot be are refused by name", () => {
  assert.throws(() => createFramer({ kind: "slip", max: 0 }), /^RangeError: max/);
  assert.throws(() => createFramer({ kind: "slip", max: 65_537 }), /^RangeError: max/);
});
