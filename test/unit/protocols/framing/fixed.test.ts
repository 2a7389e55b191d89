import assert from "node:assert/strict";
import { test } from "node:test";
import { verifier } from "../../../../src/protocols/checksum/checksum.js";
import { createFramer, type Framing } from "../../../../src/protocols/framing/framing.js";
import { expectOutputs, latin1 } from "./play.js";

const STARTED: Framing = { kind: "fixed", length: 5, start: latin1("<<"), end: latin1(">") };
const sum = verifier({ algorithm: { kind: "sum8" }, from: 0, to: -1, at: -1, as: "u8" });

test("a start and an end hold a frame", () => {
  expectOutputs(STARTED, latin1("<<12><<34>"), [
    ["frame", "<<12>", 5],
    ["frame", "<<34>", 5],
  ]);
});

test("what is between frames is noise, a start that is not whole too", () => {
  expectOutputs(STARTED, latin1("2><<12>x<y<<34>zz<"), [
    ["noise", 2],
    ["frame", "<<12>", 5],
    ["noise", 3],
    ["frame", "<<34>", 5],
    ["noise", 2],
    ["incomplete", 1],
  ]);
});

test("a wrong end makes it look for the next start inside the frame", () => {
  expectOutputs(STARTED, latin1("<<1<<34><<123<<56>"), [
    ["malformed", 3],
    ["frame", "<<34>", 5],
    ["malformed", 5],
    ["frame", "<<56>", 5],
  ]);
});

test("a lost byte costs one frame", () => {
  expectOutputs(STARTED, latin1("<<1><<23><<4"), [
    ["malformed", 4],
    ["frame", "<<23>", 5],
    ["incomplete", 3],
  ]);
});

test("a failed check resumes one byte after the start", () => {
  expectOutputs(
    { kind: "fixed", length: 4, start: latin1("\x01") },
    latin1("\x01\x01\x02\x03\x06\x01\x09\x09\x09\x01\x02\x02\x05"),
    [
      ["checksum", 1],
      ["frame", "\x01\x02\x03\x06", 4],
      ["checksum", 4],
      ["frame", "\x01\x02\x02\x05", 4],
    ],
    sum,
  );
});

test("without a start, a check alone finds its place in the stream", () => {
  expectOutputs(
    { kind: "fixed", length: 3 },
    latin1("\x09\x09\x01\x02\x03\x04\x05\x09\x07"),
    [
      ["checksum", 2],
      ["frame", "\x01\x02\x03", 3],
      ["frame", "\x04\x05\x09", 3],
      ["incomplete", 1],
    ],
    sum,
  );
});

test("without a start, an end alone finds its place in the stream", () => {
  expectOutputs({ kind: "fixed", length: 3, end: latin1("\n") }, latin1("xy1\n34\n56\n"), [
    ["noise", 1],
    ["frame", "y1\n", 3],
    ["frame", "34\n", 3],
    ["frame", "56\n", 3],
  ]);
});

test("with nothing to hold on to, the stream is cut at every length", () => {
  expectOutputs({ kind: "fixed", length: 2 }, latin1("abcde"), [
    ["frame", "ab", 2],
    ["frame", "cd", 2],
    ["incomplete", 1],
  ]);
});

test("options that cannot be are refused by name", () => {
  assert.throws(() => createFramer({ kind: "fixed", length: 0 }), /^RangeError: length: must be .* from 1 to 65536$/);
  assert.throws(() => createFramer({ kind: "fixed", length: 65_537 }), /length/);
  assert.throws(() => createFramer({ ...STARTED, length: 2 } as Framing), /length: .* from 3/);
  assert.throws(() => createFramer({ kind: "fixed", length: 9, start: latin1("123456789") }), /^RangeError: start/);
  assert.throws(() => createFramer({ kind: "fixed", length: 9, end: latin1("") }), /^RangeError: end/);
});
