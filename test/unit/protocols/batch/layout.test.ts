/** The layout byte by byte, as docs/guide/batches.md has it: receivers of other makers read these bytes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { DICTIONARY_ID } from "../../../../src/protocols/batch/dictionary.js";
import {
  BatchError,
  type BatchMessage,
  DICTIONARY,
  decodeBatch,
  encodeBatch,
} from "../../../../src/protocols/batch/index.js";
import { EXAMPLE, plain, reading } from "./readings.js";

const GUIDE = join(import.meta.dirname, "../../../../../docs/guide/batches.md");

/** The hex of a code block that comes after a heading, without its remarks. */
function hexOf(heading: string): string {
  const guide = readFileSync(GUIDE, "utf8");
  const block = guide.slice(guide.indexOf(heading)).split("```")[1] ?? "";
  return block
    .replace(/^.*\n/, "")
    .replace(/(?<=\S) {2,}.*$/gm, "")
    .replace(/\s/g, "");
}

function json(messages: readonly BatchMessage[], id?: string): string {
  const bytes = encodeBatch(messages, { format: "json", compression: "none", ...(id === undefined ? {} : { id }) });
  return Buffer.from(bytes).toString();
}

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

test("JSON: what is left out, and which of payload, text and base64 it is", () => {
  assert.equal(
    json(EXAMPLE, "7"),
    '[{"id":"7","topic":"weir/air-1/temperature","payload":{"v":21.5,"t":1763890000123,"u":"Cel","q":"good"},"qos":1},' +
      '{"topic":"weir/air-1/humidity","payload":{"v":40,"t":1763890000131,"u":"%RH","q":"good"},"qos":1},' +
      '{"topic":"weir/air-1/status","text":"online","qos":1,"retain":true}]',
  );
  const of = (payload: string | Uint8Array): string =>
    json([{ topic: "a", payload: Buffer.from(payload), qos: 0, retain: false }]);
  assert.equal(of("21.5"), '[{"topic":"a","payload":21.5}]');
  assert.equal(of("21.50"), '[{"topic":"a","text":"21.50"}]');
  assert.equal(of(""), '[{"topic":"a","text":""}]');
  assert.equal(of('{"a":1,"a":2}'), '[{"topic":"a","text":"{\\"a\\":1,\\"a\\":2}"}]');
  assert.equal(of(Uint8Array.of(0xff)), '[{"topic":"a","base64":"/w=="}]');
  assert.equal(of(nested(64)), `[{"topic":"a","payload":${nested(64)}}]`);
  assert.equal(of(nested(65)), `[{"topic":"a","text":"${nested(65)}"}]`);
});

test("SenML: the example of the guide", () => {
  const bytes = encodeBatch(EXAMPLE, { format: "senml-cbor", compression: "none", id: "7" });
  assert.equal(Buffer.from(bytes).toString("hex"), hexOf("## The SenML layout"));
});

test("both compressed examples of the guide are decoded, and written so", () => {
  for (const [heading, format] of [
    ["### JSON with zlib", "json"],
    ["### SenML with zlib", "senml-cbor"],
  ] as const) {
    const bytes = Buffer.from(hexOf(heading), "hex");
    const batch = decodeBatch(bytes);
    assert.deepEqual([plain(batch.messages), batch.id], [plain(EXAMPLE), "7"]);
    // Another zlib may write other bytes that say the same; the header and the dictionary's name stay.
    const own = encodeBatch(EXAMPLE, { format, compression: "zlib", id: "7" });
    assert.deepEqual([...own.subarray(0, 6)], [...bytes.subarray(0, 6)]);
  }
});

test("SenML: topics that are no names, a base name in all topics, one topic only", () => {
  const hex = (messages: readonly BatchMessage[]): string =>
    Buffer.from(encodeBatch(messages, { format: "senml-cbor", compression: "none" })).toString("latin1");
  const status = (topic: string): BatchMessage => ({ topic, payload: Buffer.from("x"), qos: 0, retain: false });
  assert.equal(hex([status("$a")]), "\x81\xa4\x63wbf\x18\x18\x00\x610\x03\x61x\x63wtp\x62$a");
  assert.equal(hex([status("$a"), status("b")]), "\x82\xa4\x21\x61b\x63wbf\x18\x18\x03\x61x\x63wtp\x62$a\xa1\x03\x61x");
  assert.equal(
    hex([status("b/c"), status("b/d")]),
    "\x82\xa4\x21\x62b/\x63wbf\x18\x18\x00\x61c\x03\x61x\xa2\x00\x61d\x03\x61x",
  );
});

test("numbers are integers, decimal fractions or doubles", () => {
  const value = (number: number): string => {
    const bytes = encodeBatch([reading("a", number, 1_763_890_000_000)], { format: "senml-cbor", compression: "none" });
    return Buffer.from(bytes.subarray(bytes.lastIndexOf(2) + 1)).toString("hex");
  };
  assert.equal(value(-1), "20");
  assert.equal(value(21.37), "c48221190859");
  assert.equal(value(-0.5), "c4822024");
  assert.equal(value(1e300), "fb7e37e43c8800759c");
});

test("the dictionary is what receivers have", () => {
  const digest = createHash("sha256").update(DICTIONARY).digest("hex");
  assert.equal(digest, "d106eee452d9992f52d2b33cefca5ea842bbfe1929d904b3f96de4946167669a");
  const named = deflateSync("x", { dictionary: DICTIONARY }).subarray(2, 6);
  assert.deepEqual([...named], DICTIONARY_ID);
});

const FIRST = '{"topic":"a","text":"x"';
for (const [what, bytes, problem] of [
  ["nothing", "", /too early/],
  ["an empty array", "[]", /at least one/],
  ["no JSON", "[{]", /not JSON/],
  ["a deep payload", `[{"topic":"a","payload":${nested(65)}}]`, /deeply/],
  ["not UTF-8", Buffer.from([0x5b, 0xff]), /UTF-8/],
  ["a message that is none", "[1]", /message 1 is not an object/],
  ["no topic", '[{"text":"x"}]', /no topic/],
  ["two payloads", `[${FIRST},"payload":1}]`, /exactly one/],
  ["no payload", '[{"topic":"a"}]', /exactly one/],
  ["bad base64", '[{"topic":"a","base64":"_w=="}]', /base64/],
  ["QoS 3", `[${FIRST},"qos":3}]`, /qos/],
  ["retain 1", `[${FIRST},"retain":1}]`, /retain/],
  ["an id of 7", `[${FIRST},"id":7}]`, /id/],
  ["an empty pack", "\x80", /at least one/],
  ["an indefinite array", "\x9f\xff", /indefinite/],
  ["bytes behind", "\x81\xa2\x04\xf5\x62wf\x18\x18\x00", /behind/],
  ["an unknown label that must be understood", "\x81\xa1\x62x_\x00", /which no batch has/],
  ["a base value", "\x81\xa1\x24\x01", /which no batch has/],
  ["a label twice", "\x81\xa2\x03\x60\x03\x60", /twice/],
  ["a reading without any time", "\x81\xa1\x02\x01", /without a time/],
  ["two values", "\x81\xa2\x02\x01\x04\xf5", /more than one/],
  ["data and a value", "\x81\xa2\x02\x01\x08\x40", /more than one/],
  ["no value", "\x81\xa1\x00\x61a", /no value/],
  ["QoS 3 in flags", "\x81\xa2\x04\xf5\x62wf\x03", /flags 3/],
  ["flags of a later version", "\x81\xa2\x04\xf5\x62wf\x18\x20", /flags 32/],
  ["NaN", "\x81\xa1\x02\xf9\x7e\x00", /finite/],
  ["an array as a value", "\x81\xa1\x02\x80", /where a value belongs/],
  ["SenML of version 11", "\x81\xa2\x20\x0b\x04\xf5", /version/],
  ["an unknown dictionary", "\x78\xf9\x00\x00\x00\x01", /dictionary/],
  ["damaged zlib", Buffer.from("789c00", "hex"), /damaged/],
] as const) {
  test(`refused: ${what}`, () => {
    const input = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    assert.throws(
      () => decodeBatch(input),
      (error) => error instanceof BatchError && problem.test(error.message),
    );
  });
}

test("labels that need not be understood are skipped, other floats are read", () => {
  const text =
    "\x81\xa5\x22\xfb\x41\xda\x48\xb4\xd4\x00\x00\x00\x00\x61a\x02\xf9\x4d\x60\x06\xfa\x3e\x80\x00\x00\x64more\xf6";
  const { messages } = decodeBatch(Buffer.from(text, "latin1"));
  assert.equal(Buffer.from(messages[0]?.payload ?? []).toString(), '{"v":21.5,"t":1763890000250,"q":"good"}');
});
