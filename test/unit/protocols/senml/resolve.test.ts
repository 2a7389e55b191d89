import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import {
  decodeSenmlCbor,
  decodeSenmlJson,
  type ResolvedRecord,
  SenmlError,
} from "../../../../src/protocols/senml/index.js";

const NOW = 1_763_890_000_123;
const json = (text: string): ResolvedRecord[] => decodeSenmlJson(Buffer.from(text), { now: NOW });

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (thrown: unknown) => {
    assert.ok(thrown instanceof SenmlError, `not a SenmlError: ${thrown}`);
    assert.match(thrown.message, message);
    return true;
  });
}

for (const [what, text, message] of [
  ["text that is no JSON", "[{", /not JSON/],
  ["an object", `{"n":"a","v":1}`, /array of records/],
  ["an empty pack", "[]", /no record/],
  ["a number as a record", "[1]", /record 1 is not an object/],
  ["null as a record", "[null]", /record 1 is not an object/],
  ["no name", `[{"v":1}]`, /record 1 has no name/],
  ["a name with a space", `[{"n":"a b","v":1}]`, /record 1 is named "a b"/],
  ["a name that begins with a slash", `[{"n":"/3/0/1","v":1}]`, /begins with a letter or digit/],
  ["a name that begins with an underscore", `[{"n":"_a","v":1}]`, /begins with a letter or digit/],
  ["an endless name", `[{"bn":"${"a".repeat(300)}","v":1}]`, /longer than 255/],
  ["two values", `[{"n":"a","v":1,"vb":true}]`, /more than one value/],
  ["no value", `[{"n":"a"}]`, /neither a value nor a sum/],
  ["null as a value", `[{"n":"a","v":null}]`, /v that is not a finite number/],
  ["text as a number", `[{"n":"a","v":"1"}]`, /v that is not a finite number/],
  ["a number beyond doubles", `[{"n":"a","v":1e999}]`, /v that is not a finite number/],
  ["a sum of base value and value beyond doubles", `[{"n":"a","bv":1.7e308,"v":1.7e308}]`, /beyond the range/],
  ["a number as text", `[{"n":"a","vs":1}]`, /vs that is not a string/],
  ["a number as a boolean", `[{"n":"a","vb":1}]`, /vb that is not true or false/],
  ["base64 with the wrong alphabet", `[{"n":"a","vd":"ab+/"}]`, /base64url/],
  ["base64 with padding", `[{"n":"a","vd":"aGkgCg=="}]`, /base64url/],
  ["base64 of an impossible length", `[{"n":"a","vd":"aaaaa"}]`, /base64url/],
  ["a newer version", `[{"bver":11,"n":"a","v":1}]`, /version 11; up to 10/],
  ["half a version", `[{"bver":1.5,"n":"a","v":1}]`, /bver/],
  ["two versions", `[{"bver":5,"n":"a","v":1},{"bver":6,"n":"a","v":1}]`, /another version/],
  ["an extension that must be understood", `[{"n":"a","v":1,"x_":1}]`, /"x_"/],
  ["a base extension that must be understood", `[{"bx_":1,"n":"a","v":1}]`, /"bx_"/],
  ["a key that is there twice", `[{"n":"a","v":1,"v":2}]`, /"v" is there twice/],
  ["a key that is there twice, once escaped", `[{"n":"a","v":1,"\\u0076":2}]`, /"v" is there twice/],
  ["a time beyond the calendar", `[{"n":"a","v":1,"t":1e300}]`, /calendar/],
] as const) {
  test(`refuses ${what}`, () => refuses(() => json(text), message));
}

test("refuses more records and more bytes than allowed, and bytes that are not UTF-8", () => {
  const two = Buffer.from(`[{"n":"a","v":1},{"n":"a","v":2}]`);
  refuses(() => decodeSenmlJson(two, { now: NOW, maxRecords: 1 }), /2 records, 1 are allowed/);
  refuses(() => decodeSenmlJson(two, { now: NOW, maxBytes: two.length - 1 }), /bytes/);
  assert.equal(decodeSenmlJson(two, { now: NOW, maxRecords: 2, maxBytes: two.length }).length, 2);
  refuses(() => decodeSenmlJson(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), { now: NOW }), /UTF-8/);
});

test("ignores labels that it does not know", () => {
  assert.deepEqual(json(`[{"n":"a","v":1,"x":{"y":1},"bx":2,"hasOwnProperty":3}]`), [
    { name: "a", value: 1, time: NOW },
  ]);
});

test("adds base value and base sum, and takes them where the record has none (4.5.4)", () => {
  assert.deepEqual(json(`[{"bn":"a","bv":20,"bs":100,"v":1.5},{"s":5},{"n":"b","vs":"x"},{"bv":0,"v":2}]`), [
    { name: "a", value: 21.5, sum: 100, time: NOW },
    { name: "a", value: 20, sum: 105, time: NOW },
    { name: "ab", value: "x", sum: 100, time: NOW },
    { name: "a", value: 2, sum: 100, time: NOW },
  ]);
});

test("a sum needs no value, and the update time is in ms", () => {
  assert.deepEqual(json(`[{"n":"energy","u":"W","s":12.5,"ut":1.5}]`), [
    { name: "energy", unit: "W", sum: 12.5, time: NOW, updateTime: 1500 },
  ]);
});

test("times below 2^28 s count from now, others from 1970 (4.5.3)", () => {
  const times = json(`[{"n":"a","v":1,"t":-2.5},{"n":"a","v":1,"t":268435455},{"n":"a","v":1,"t":268435456},
    {"bt":268435450,"n":"a","v":1,"t":5},{"n":"a","v":1,"t":6}]`).map((record) => record.time);
  assert.deepEqual(times, [NOW - 2500, NOW + 268_435_455_000, 268_435_456_000, NOW + 268_435_455_000, 268_435_456_000]);
});

const cbor = (bytes: Uint8Array): ResolvedRecord[] => decodeSenmlCbor(bytes, { now: NOW });

test("CBOR: decimal fractions (tag 4) and integers of 64 bits", () => {
  const fraction = Buffer.from("81a2006161" + "02c48221196ab3", "hex");
  assert.deepEqual(cbor(fraction), [{ name: "a", value: 273.15, time: NOW }]);
  const big = Buffer.from("81a2006161" + "021bffffffffffffffff", "hex");
  assert.deepEqual(cbor(big), [{ name: "a", value: 2 ** 64, time: NOW }]);
});

test("CBOR: data is a copy of the payload, which the sender of the next one may overwrite", () => {
  const bytes = Buffer.from("81a2006161" + "08420102", "hex");
  const records = cbor(bytes);
  bytes.fill(0);
  assert.deepEqual(records, [{ name: "a", value: new Uint8Array([1, 2]), time: NOW }]);
});

test("CBOR: integer labels that mean nothing and labels as text are ignored", () => {
  const bytes = encode([
    new Map<unknown, unknown>([
      [0, "a"],
      [2, 1],
      [99, 5],
      ["v", 7],
      ["toString", 1],
    ]),
  ]);
  assert.deepEqual(cbor(bytes), [{ name: "a", value: 1, time: NOW }]);
});

for (const [what, hex, message] of [
  ["an array of indefinite length", "9fa20061610201ff", /indefinite/],
  ["a text of indefinite length", "81a2007f6161ff0201", /CBOR/],
  ["a key that is there twice", "81a3006161020102" + "02", /repeat/],
  ["NaN", "81a200616102f97e00", /NaN/],
  ["an infinity", "81a200616102f97c00", /Infinity/],
  ["undefined", "81a200616102f7", /undefined/],
  ["a tag that is not 4", "81a200616102c100", /tag/],
  ["a decimal fraction of one", "81a200616102c48101", /decimal fraction/],
  ["a text that is not UTF-8", "81a2006161" + "0362fffe", /UTF-8/],
  ["a label that is a boolean", "81a1f501", /label/],
  ["a label that must be understood", "81a3006161" + "0201" + "62785f01", /"x_"/],
  ["a number as a record", "8101", /not a map/],
  ["a map", "a10001", /array of records/],
  ["bytes after the end", "81a20061610201" + "00", /CBOR/],
  ["an array that promises too much", "9affffffff", /CBOR/],
  ["nothing", "", /CBOR/],
] as const) {
  test(`CBOR: refuses ${what}`, () => refuses(() => cbor(Buffer.from(hex, "hex")), message));
}

test("deep nests are refused, not followed", () => {
  refuses(() => cbor(new Uint8Array(60_000).fill(0x81)), /nested deeper than 4/);
  refuses(() => cbor(new Uint8Array(60_000).fill(0xc4)), /nested deeper than 4/);
  refuses(() => json(`[{"n":"a","v":1,"x":${"[".repeat(30_000)}${"]".repeat(30_000)}}]`), /nested deeper than 4/);
  // Containers side by side are not inside one another.
  const flat = new Map<unknown, unknown>([
    [0, "a"],
    [2, 1],
    ["x", [[1], [2], []]],
    ["y", new Map()],
    ["z", [[]]],
  ]);
  assert.equal(cbor(encode([flat, flat])).length, 2);
});
