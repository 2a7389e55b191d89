import assert from "node:assert/strict";
import { test } from "node:test";
import { CRC_CATALOGUE } from "../../../../src/protocols/checksum/catalogue.js";
import { type ChecksumSpec, sealer, verifier } from "../../../../src/protocols/checksum/checksum.js";
import { createFramer, type RegexFraming } from "../../../../src/protocols/framing/framing.js";
import { expectOutputs, latin1 } from "./play.js";

const P1: RegexFraming = { kind: "regex", start: "/[A-Z]{3}", end: "!([0-9A-F]{1,4})?\r\n", max: 40 };
const CRC: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/ARC"] },
  from: { before: latin1("/") },
  to: { after: latin1("!") },
  at: { after: latin1("!") },
  as: "hex",
};

test("a frame reaches from the match of start to that of end, both its own", () => {
  expectOutputs(P1, latin1("1)\r\n!\r\n/K/KFM5\r\n1\r\n!\r\n\r\n/ISK\r\n!6796\r\n/IS"), [
    ["noise", 9],
    ["frame", "/KFM5\r\n1\r\n!\r\n", 13],
    ["noise", 2],
    ["frame", "/ISK\r\n!6796\r\n", 13],
    ["noise", 3],
  ]);
});

test("a quantifier at the very end takes no more than it must, however the stream is split", () => {
  expectOutputs({ kind: "regex", end: "H=[0-9]+", max: 20 }, latin1("T=1 H=405;H=6"), [
    ["frame", "T=1 H=4", 7],
    ["frame", "05;H=6", 6],
  ]);
});

test("the match that ends first is the end, not the one that begins first", () => {
  expectOutputs({ kind: "regex", end: "a.*z|bc", max: 20 }, latin1("xabcz"), [
    ["frame", "xabc", 4],
    ["incomplete", 1],
  ]);
});

test("a dot matches any byte, line ends and those above 127 too", () => {
  expectOutputs(
    { kind: "regex", end: "\r\nChecksum\t.", max: 40 },
    latin1("\r\nV\t1\r\nChecksum\t\n\r\nV\t2\r\nChecksum\t\xe4"),
    [
      ["frame", "\r\nV\t1\r\nChecksum\t\n", 17],
      ["frame", "\r\nV\t2\r\nChecksum\t\xe4", 17],
    ],
  );
  expectOutputs({ kind: "regex", end: "\\xff+[^\\x00-\\x7f]", max: 40 }, latin1("\xff\x00\xff\xfe"), [
    ["frame", "\xff\x00\xff\xfe", 4],
  ]);
});

test("end is looked for behind start, so that both may be the same", () => {
  expectOutputs({ kind: "regex", start: "~", end: "~", max: 20 }, latin1("x~ab~~cd~"), [
    ["noise", 1],
    ["frame", "~ab~", 4],
    ["frame", "~cd~", 4],
  ]);
});

test("an end longer than the look-back is not seen", () => {
  expectOutputs({ kind: "regex", end: "<[a-z]*>", max: 40, lookback: 4 }, latin1("1<ab>2<abc>3<>"), [
    ["frame", "1<ab>", 5],
    ["frame", "2<abc>3<>", 9],
  ]);
});

test("a frame with a bad check is searched for the next start inside it", () => {
  const good = Buffer.from(sealer(CRC)(latin1("/KFM5\r\n1\r\n!\r\n"))).toString("latin1");
  expectOutputs(
    P1,
    latin1(`/ISK5\r\n!0000\r\n/ISK5\r\n2${good}/ISK5\r\n!F\r\n${good}`),
    [
      ["checksum", 14 + 8],
      ["frame", good, 17],
      ["checksum", 11],
      ["frame", good, 17],
    ],
    verifier(CRC),
  );
});

test("a frame that is too long ends at the next start, or at its end where none is known", () => {
  const long = "x".repeat(50);
  expectOutputs(P1, latin1(`/ABC${long}/DEF!\r\n/ABC${"y".repeat(20)}/GHI${long}!\r\n/JKL!\r\n`), [
    ["too_long", 54],
    ["frame", "/DEF!\r\n", 7],
    ["too_long", 24 + 57],
    ["frame", "/JKL!\r\n", 7],
  ]);
  expectOutputs({ kind: "regex", end: "\n", max: 8, lookback: 3 }, latin1("1234567\n12345678\n1\n1234567890"), [
    ["frame", "1234567\n", 8],
    ["too_long", 9],
    ["frame", "1\n", 2],
    ["too_long", 10],
  ]);
});

test("a look-back beyond the longest frame changes nothing", () => {
  expectOutputs({ kind: "regex", end: "ab", max: 2 }, latin1("abxabab"), [
    ["frame", "ab", 2],
    ["too_long", 3],
    ["frame", "ab", 2],
  ]);
});

test("patterns that cannot work on a stream are refused", () => {
  const end = (pattern: string): (() => void) => {
    return () => createFramer({ kind: "regex", end: pattern, max: 9 });
  };
  for (const [pattern, assertion] of [
    ["a$", "$"],
    ["^a", "^"],
    ["(?m:^)!", "^"],
    ["a\\b.", "\\b"],
    ["a\\B", "\\B"],
    ["\\Aa", "\\A"],
    ["a\\z", "\\z"],
    ["[$^]$", "$"],
    ["[]$]$", "$"],
    ["[[:alpha:]$]^", "^"],
    ["\\Q$\\E$", "$"],
    ["\\\\$", "$"],
  ] as const) {
    assert.throws(
      end(pattern),
      (error) => error instanceof RangeError && error.message.includes(`${pattern} has the assertion ${assertion},`),
      pattern,
    );
  }
  for (const pattern of [
    "\\$",
    "[$]",
    "[^^]",
    "[]$]",
    "[^]$]",
    "[[:alpha:]$]",
    "\\Q^$\\E",
    "\\Q$",
    "\\x24",
    "[\\]$]",
  ]) {
    assert.doesNotThrow(end(pattern), pattern);
  }
  assert.throws(end("a*"), /takes? a byte|must take a byte/);
  assert.throws(end("("), /is not RE2 syntax/);
  assert.throws(end("(?<=a)b"), /is not RE2 syntax/);
  assert.throws(() => createFramer({ kind: "regex", end: "a", start: "^b", max: 9 }), /assertion/);
  assert.throws(() => createFramer({ kind: "regex", end: "a", max: 9, lookback: 0 }), /^RangeError: lookback/);
  assert.throws(() => createFramer({ kind: "regex", end: "a", max: 0 }), /^RangeError: max/);
});
