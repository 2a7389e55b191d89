import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Code,
  codeByte,
  encodeMessage,
  MESSAGE_TYPES,
  type Message,
  parseMessage,
} from "../../../../src/protocols/coap/message.js";
import { plain } from "./plain.js";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));
const ascii = (text: string): string => Buffer.from(text).toString("hex");
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** The binary examples of RFC 7252 appendix A, figures 16 and 17. */
const EXAMPLES: readonly [string, string, Message][] = [
  [
    "GET /temperature, no token",
    `40 01 7d34 bb ${ascii("temperature")}`,
    {
      type: "CON",
      code: "0.01",
      messageId: 0x7d34,
      token: hex(""),
      options: [{ number: 11, value: bytesOf("temperature") }],
      payload: hex(""),
    },
  ],
  [
    "2.05 in its acknowledgement",
    `60 45 7d34 ff ${ascii("22.3 C")}`,
    { type: "ACK", code: "2.05", messageId: 0x7d34, token: hex(""), options: [], payload: bytesOf("22.3 C") },
  ],
  [
    "GET /temperature with token 0x20",
    `41 01 7d35 20 bb ${ascii("temperature")}`,
    {
      type: "CON",
      code: "0.01",
      messageId: 0x7d35,
      token: hex("20"),
      options: [{ number: 11, value: bytesOf("temperature") }],
      payload: hex(""),
    },
  ],
  [
    "2.05 with token 0x20",
    `61 45 7d35 20 ff ${ascii("22.3 C")}`,
    { type: "ACK", code: "2.05", messageId: 0x7d35, token: hex("20"), options: [], payload: bytesOf("22.3 C") },
  ],
];

for (const [name, text, message] of EXAMPLES) {
  test(`RFC 7252 A: ${name}`, () => {
    assert.deepEqual(plain(parseMessage(hex(text))), { ok: true, message });
    assert.deepEqual(plain(encodeMessage(message)), hex(text));
  });
}

for (const [name, text, error] of [
  ["nothing", "", "short"],
  ["three bytes", "400100", "short"],
  ["version 0", "00010001", "version"],
  ["version 2", "80010001", "version"],
  ["version 3", "c0010001", "version"],
  ["a token of 9 bytes", "4901000100000000000000000000", "token_length"],
  ["a token of 15 bytes", `4f010001${"00".repeat(20)}`, "token_length"],
  ["a token beyond the end", "44010001aabbcc", "truncated"],
  ["an option beyond the end", "40010001b561", "truncated"],
  ["an option delta beyond the end", "40010001d0", "truncated"],
  ["an option length beyond the end", "400100010e01", "truncated"],
  ["an option delta of 15", "40010001f0", "option"],
  ["an option length of 15", "400100010f", "option"],
  ["an option number beyond 65535", "40010001e0ffff", "option"],
  ["an option number that passes 65535 by sum", "40010001e0fef2 e00000", "option"],
  ["a payload marker without payload", "40010001ff", "marker"],
  ["a payload marker without payload after an option", "40010001b161ff", "marker"],
  ["an empty message with a token", "41000001aa", "empty"],
  ["an empty message with a payload", "40000001ff61", "empty"],
  ["an empty message with a token length alone", "4100000100", "empty"],
  ["code class 1", "40200001", "reserved_code"],
  ["code class 6", "40c00001", "reserved_code"],
  ["code class 7", "40e00001", "reserved_code"],
  ["65 options", `40010001${"00".repeat(65)}`, "too_many_options"],
] as const) {
  test(`refuses ${name}`, () => {
    const parsed = parseMessage(hex(text));
    assert.ok(!parsed.ok);
    assert.equal(parsed.error, error);
    if (error === "short" || error === "version") assert.equal(parsed.messageId, undefined);
    else assert.deepEqual([parsed.type, parsed.messageId], ["CON", 1]);
  });
}

test("the largest option number and 64 options are read", () => {
  const parsed = parseMessage(hex("40010001e0fef2"));
  assert.deepEqual(parsed.ok && parsed.message.options.map(({ number }) => number), [0xffff]);
  const many = parseMessage(hex(`40010001${"00".repeat(64)}`));
  assert.equal(many.ok && many.message.options.length, 64);
});

const code: fc.Arbitrary<Code> = fc
  .tuple(fc.constantFrom(0, 2, 3, 4, 5), fc.integer({ min: 1, max: 31 }))
  .map(([group, detail]) => `${group}.${String(detail).padStart(2, "0")}` as Code);
/** Lengths around 13 and 269, where the format changes. */
const value = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(12, 13, 14, 268, 269, 270, 1034).map((length) => new Uint8Array(length).fill(7)),
);
const option = fc.record({ number: fc.oneof(fc.nat(60), fc.nat(0xffff), fc.constantFrom(12, 13, 268, 269)), value });
const message: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...MESSAGE_TYPES),
  code,
  messageId: fc.nat(0xffff),
  token: fc.uint8Array({ maxLength: 8 }),
  options: fc.array(option, { maxLength: 12 }),
  payload: fc.uint8Array({ maxLength: 100 }),
});

test("what is encoded is parsed again, its options in order", () => {
  fc.assert(
    fc.property(message, (original) => {
      const options = original.options.toSorted((a, b) => a.number - b.number);
      assert.deepEqual(
        plain(parseMessage(encodeMessage(original))),
        plain({ ok: true, message: { ...original, options } }),
      );
    }),
  );
});

test("what is parsed is encoded to the same bytes, for the shortest form is the only one", () => {
  fc.assert(
    fc.property(message, (original) => {
      const bytes = encodeMessage(original);
      const parsed = parseMessage(bytes);
      assert.ok(parsed.ok);
      assert.deepEqual(encodeMessage(parsed.message), bytes);
    }),
  );
});

test("codes have the byte that RFC 7252 12.1 gives them", () => {
  assert.deepEqual((["0.01", "2.04", "2.31", "4.15", "5.03"] as const).map(codeByte), [0x01, 0x44, 0x5f, 0x8f, 0xa3]);
});

test("what no message can hold is the caller's fault", () => {
  const base: Message = { type: "CON", code: "0.01", messageId: 1, token: hex(""), options: [], payload: hex("") };
  assert.throws(() => encodeMessage({ ...base, token: new Uint8Array(9) }), RangeError);
  assert.throws(() => encodeMessage({ ...base, options: [{ number: 70_000, value: hex("") }] }), RangeError);
  assert.throws(() => encodeMessage({ ...base, options: [{ number: 1, value: new Uint8Array(70_000) }] }), RangeError);
});
