import assert from "node:assert/strict";
import { test } from "node:test";
import { verifier } from "../../../../src/protocols/checksum/checksum.js";
import { createFramer, type HeaderFraming } from "../../../../src/protocols/framing/framing.js";
import { expectOutputs, latin1 } from "./play.js";

/** "B" "M", a byte that counts what follows it, that many bytes. */
const FRAMING: HeaderFraming = {
  kind: "header",
  start: latin1("BM"),
  length: { offset: 2, type: "u8", add: 3 },
  max: 8,
};
const sum = verifier({ algorithm: { kind: "sum8" }, from: 3, to: -1, at: -1, as: "u8" });

test("the length field says where a frame ends", () => {
  expectOutputs(FRAMING, latin1("BM\x021.BM\x0512345BM\x01!"), [
    ["frame", "BM\x021.", 5],
    ["frame", "BM\x0512345", 8],
    ["frame", "BM\x01!", 4],
  ]);
});

test("the field may be of 16 bits in either order, anywhere behind the start", () => {
  const wide = (type: "u16be" | "u16le"): HeaderFraming => ({
    ...FRAMING,
    length: { offset: 3, type, add: 5 },
    max: 600,
  });
  const body = "x".repeat(258);
  expectOutputs(wide("u16be"), latin1(`BM-\x01\x02${body}`), [["frame", `BM-\x01\x02${body}`, 263]]);
  expectOutputs(wide("u16le"), latin1(`BM-\x02\x01${body}`), [["frame", `BM-\x02\x01${body}`, 263]]);
});

test("a length that cannot be resumes one byte after the start", () => {
  expectOutputs(FRAMING, latin1("BM\x00BM\x06BBM\x021.BM\xff"), [
    ["malformed", 6],
    ["noise", 1],
    ["frame", "BM\x021.", 5],
    ["malformed", 3],
  ]);
});

test("noise, half a start and a frame cut off by the end are counted", () => {
  expectOutputs(FRAMING, latin1("\x021.BBM\x021.B\x00BM\x02"), [
    ["noise", 4],
    ["frame", "BM\x021.", 5],
    ["noise", 2],
    ["incomplete", 3],
  ]);
});

test("a frame within a frame whose check fails is found", () => {
  expectOutputs(
    FRAMING,
    latin1("BM\x05BM\x02\x07\x07BM\x02\x01\x02BM\x02\x03\x03B"),
    [
      ["checksum", 3],
      ["frame", "BM\x02\x07\x07", 5],
      ["checksum", 5],
      ["frame", "BM\x02\x03\x03", 5],
      ["incomplete", 1],
    ],
    sum,
  );
});

test("a wrong end is malformed", () => {
  expectOutputs({ ...FRAMING, end: latin1("\r\n") }, latin1("BM\x031\r\nBM\x031\r.BM\x02\r\nBM\x01\n"), [
    ["frame", "BM\x031\r\n", 6],
    ["malformed", 6],
    ["frame", "BM\x02\r\n", 5],
    ["malformed", 3],
    ["noise", 1],
  ]);
});

test("options that cannot be are refused by name", () => {
  const header = (options: Partial<HeaderFraming>): (() => void) => {
    return () => createFramer({ ...FRAMING, ...options });
  };
  assert.throws(header({ start: latin1("") }), /^RangeError: start/);
  assert.throws(header({ length: { offset: 1, type: "u8", add: 3 } }), /^RangeError: length.offset: .* from 2/);
  assert.throws(header({ length: { offset: 2, type: "u8", add: 0.5 } }), /^RangeError: length.add/);
  assert.throws(header({ max: 3 }), /^RangeError: max: .* from 4/);
  assert.throws(header({ max: 65_537 }), /^RangeError: max/);
});
