import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readPskFile } from "../../../src/core/psk.js";
import { WeirError } from "../../../src/core/errors.js";

const KEY = "00112233445566778899aabbccddeeff";

function read(text: string): Map<string, string> {
  return new Map(
    [...readPskFile("keys", Buffer.from(text).toString("latin1"))].map(([name, key]) => [name, key.toString("hex")]),
  );
}

test("identities and keys, as mosquitto and EMQX write them", () => {
  const text = `# devices\n\n  press-7:${KEY}\r\nlathe : ${KEY.toUpperCase()}  \n__proto__:${KEY}\ngerät:${KEY}${KEY}`;
  assert.deepEqual(
    [...read(text)],
    [
      ["press-7", KEY],
      ["lathe", KEY],
      ["__proto__", KEY],
      ["gerät", KEY + KEY],
    ],
  );
  assert.equal(read("").size, 0);
});

const WRONG: readonly (readonly [line: string, message: string])[] = [
  ["press-7", "is no line of the form identity:hexkey"],
  [`:${KEY}`, "is no line of the form identity:hexkey"],
  ["a:", "the key is not hexadecimal (two digits a byte)"],
  [`a:${KEY}0`, "the key is not hexadecimal (two digits a byte)"],
  [`a:0x${KEY}`, "the key is not hexadecimal (two digits a byte)"],
  [`a:b:${KEY}`, "the key is not hexadecimal (two digits a byte)"],
  [`a:${KEY.slice(2)}`, "the key must have 16 to 64 bytes (32 to 128 digits)"],
  [`a:${KEY.repeat(5)}`, "the key must have 16 to 64 bytes (32 to 128 digits)"],
  [`${"a".repeat(129)}:${KEY}`, "the identity is longer than 128 bytes"],
  [`a\u0001b:${KEY}`, "the identity is not text (UTF-8, no control characters)"],
  [`first:${KEY}`, "the identity is there twice"],
];

for (const [line, message] of WRONG) {
  test(`a line that is none: ${message}: ${line.slice(0, 12)}`, () => {
    assert.throws(
      () => read(`first:${KEY}\n${line}\n`),
      (error) => error instanceof WeirError && error.message === `keys:2: ${message}`,
    );
  });
}

test("nothing is thrown that holds a key, and what is read is within the bounds", () => {
  const line = fc
    .tuple(fc.string({ maxLength: 140 }), fc.stringMatching(/^[0-9a-f]{0,140}$/))
    .map((parts) => parts.join(":"));
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 5 }), (lines) => {
      try {
        for (const [name, key] of read(lines.join("\n"))) {
          assert.ok(name !== "" && Buffer.byteLength(name) <= 128);
          assert.ok(key.length >= 32 && key.length <= 128);
        }
      } catch (error) {
        if (!(error instanceof WeirError)) throw error;
        assert.match(error.message, /^keys:\d+: (?:the|is no line)/);
      }
    }),
  );
});
