import assert from "node:assert/strict";
import { test } from "node:test";
import { verifier } from "../../../../src/protocols/checksum/checksum.js";
import { createFramer, type Framing } from "../../../../src/protocols/framing/framing.js";
import { expectOutputs, latin1 } from "./play.js";

const LINES: Framing = { kind: "line", delimiter: latin1("\r\n"), max: 8 };
const NMEA: Framing = { kind: "line", delimiter: latin1("\r\n"), max: 16, start: latin1("$") };
const xor = verifier({
  algorithm: { kind: "xor8" },
  from: { after: latin1("$") },
  to: { before: latin1("*") },
  at: { after: latin1("*") },
  as: "hex",
});

test("lines lose their delimiter and keep everything else", () => {
  expectOutputs(LINES, latin1("T=1\r\n\nT\r=2\r\r\n"), [
    ["frame", "T=1", 5],
    ["frame", "\nT\r=2\r", 8],
  ]);
});

test("a line may be as long as max, and one byte more is too long up to its delimiter", () => {
  expectOutputs(LINES, latin1("12345678\r\n123456789\r\n1\r\n1234567890123456789012345\r\nok\r\n"), [
    ["frame", "12345678", 10],
    ["too_long", 11],
    ["frame", "1", 3],
    ["too_long", 27],
    ["frame", "ok", 4],
  ]);
});

test("an empty line is noise, and what the end cuts off is incomplete", () => {
  expectOutputs(LINES, latin1("\r\n\r\na\r\nb\r"), [
    ["noise", 4],
    ["frame", "a", 3],
    ["incomplete", 2],
  ]);
});

test("a line that is too long stays so when the stream ends", () => {
  expectOutputs(LINES, latin1("123456789012\r"), [["too_long", 13]]);
});

test("a check refuses a whole line where no start is known", () => {
  const odd = (frame: Uint8Array): boolean => frame.length % 2 === 1;
  expectOutputs(
    LINES,
    latin1("a\r\nab\r\nabc\r\n"),
    [
      ["frame", "a", 3],
      ["checksum", 4],
      ["frame", "abc", 5],
    ],
    odd,
  );
});

test("a delimiter that begins like itself is found behind a false beginning", () => {
  expectOutputs({ kind: "line", delimiter: latin1("aab"), max: 4 }, latin1("xaaabyaab"), [
    ["frame", "xa", 5],
    ["frame", "y", 4],
  ]);
});

test("what precedes a start is noise, line ends included", () => {
  expectOutputs(NMEA, latin1("A,1*00\r\n..$GP,1\r\n$\r\n!x"), [
    ["noise", 10],
    ["frame", "$GP,1", 7],
    ["frame", "$", 3],
    ["noise", 2],
  ]);
});

test("a line with a bad check is searched for the next start inside it", () => {
  expectOutputs(
    NMEA,
    latin1("$A*41\r\n$GP,$$A*41\r\n$B*41\r\n$A*41\r\n"),
    [
      ["frame", "$A*41", 7],
      ["checksum", 5],
      ["frame", "$A*41", 7],
      ["checksum", 7],
      ["frame", "$A*41", 7],
    ],
    xor,
  );
});

test("a started line that is too long ends at the next start", () => {
  expectOutputs(NMEA, latin1("$345678901234$A*41\r\n$34567890123456789$A*41\r\n$345678901234567890\r\n$C"), [
    ["too_long", 13],
    ["frame", "$A*41", 7],
    ["too_long", 18],
    ["frame", "$A*41", 7],
    ["too_long", 21],
    ["incomplete", 2],
  ]);
});

test("a start of several bytes may be cut off by the end of a line that is too long", () => {
  expectOutputs({ kind: "line", delimiter: latin1("\n"), max: 4, start: latin1("<<") }, latin1("<<12<<3\n<<123<"), [
    ["too_long", 4],
    ["frame", "<<3", 4],
    ["too_long", 6],
  ]);
});

test("options that cannot be are refused by name", () => {
  const line = (options: object): (() => void) => {
    return () => createFramer({ ...LINES, ...options } as Framing);
  };
  assert.throws(line({ delimiter: latin1("") }), /^RangeError: delimiter: must have 1 to 8 bytes$/);
  assert.throws(line({ delimiter: latin1("123456789") }), /delimiter/);
  assert.throws(line({ start: latin1("") }), /^RangeError: start/);
  assert.throws(line({ max: 0 }), /^RangeError: max: must be a whole number from 1 to 65536$/);
  assert.throws(line({ max: 65_537 }), /max/);
  assert.throws(line({ max: 1.5 }), /max/);
});
