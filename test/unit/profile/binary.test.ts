import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { binaryPlace } from "../../../src/profile/layout/binary.js";
import { type BinaryField, binaryField } from "../../../src/profile/schema/fields.js";
import { parseHex } from "../../../src/profile/schema/text.js";
import type { Raw } from "../../../src/profile/value.js";

function field(options: object): BinaryField {
  return binaryField.parse(options);
}

function bytes(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array();
}

const TABLE: readonly (readonly [string, object, Raw | undefined])[] = [
  ["FE", { at: 0, type: "u8" }, 254],
  ["FE", { at: 0, type: "s8" }, -2],
  ["00 12 34", { at: 1, type: "u16be" }, 0x1234],
  ["00 12 34", { at: 1, type: "u16le" }, 0x3412],
  ["FF FF FE", { at: 0, type: "s24be" }, -2],
  ["01 02 03", { at: 0, type: "u24le" }, 0x030201],
  ["FF FF FF FF", { at: 0, type: "u32be" }, 4294967295],
  ["00 00 00 80", { at: 0, type: "s32le" }, -2147483648],
  ["01 00 00 00 00", { at: 0, type: "u40be" }, 2 ** 32],
  ["FF FF FF FF FF FF", { at: 0, type: "u48le" }, 2 ** 48 - 1],
  ["00 1F FF FF FF FF FF FF", { at: 0, type: "u64be" }, Number.MAX_SAFE_INTEGER],
  ["00 20 00 00 00 00 00 01", { at: 0, type: "u64be" }, 9007199254740993n],
  ["FF FF FF FF FF FF FF FF", { at: 0, type: "s64le" }, -1],
  ["41 AC 00 00", { at: 0, type: "f32be" }, 21.5],
  ["9A 99 19 3F", { at: 0, type: "f32le" }, 0.6],
  ["40 35 80 00 00 00 00 00", { at: 0, type: "f64be" }, 21.5],
  ["12 34", { at: 0, type: "bcdbe", length: 2 }, 1234],
  ["12 34", { at: 0, type: "bcdle", length: 2 }, 3412],
  ["1A", { at: 0, type: "bcdbe", length: 1 }, undefined],
  ["41 42 20 00", { at: 0, type: "ascii", length: 4 }, "AB"],
  ["B4", { at: 0, type: "u8", bit: 2 }, 1],
  ["B4", { at: 0, type: "u8", bit: 4, width: 3 }, 3],
  ["00 80", { at: 0, type: "u16le", bit: 15 }, 1],
  ["01 02 03", { at: -1, type: "u8" }, 3],
  ["01 02 03", { at: -2, type: "u16be" }, 0x0203],
  ["01 02 03", { at: 2, type: "u16be" }, undefined],
  ["01 02 03", { at: -4, type: "u8" }, undefined],
];

test("every type is read", () => {
  for (const [hex, options, expected] of TABLE) {
    assert.equal(binaryPlace(field(options)).read(bytes(hex)), expected, `${JSON.stringify(options)} of ${hex}`);
  }
  assert.deepEqual(binaryPlace(field({ at: 1, type: "bytes", length: 2 })).read(bytes("01 02 03")), bytes("02 03"));
});

test("what is written is read again, and nothing else changes", () => {
  for (const [hex, options, expected] of TABLE) {
    if (expected === undefined) continue;
    const place = binaryPlace(field(options));
    const original = bytes(hex);
    const written = original.slice();
    place.write(written, expected);
    // Texts are filled up with blanks, whatever they were filled up with before.
    if (typeof expected === "string") assert.equal(place.read(written), expected);
    else assert.deepEqual(written, original, JSON.stringify(options));
  }
});

test("integers of any width keep every value", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(8, 16, 24, 32, 40, 48, 56, 64),
      fc.boolean(),
      fc.constantFrom("be", "le"),
      fc.bigInt({ min: -(1n << 64n), max: 1n << 64n }),
      (bits, signed, order, seed) => {
        const value = signed ? BigInt.asIntN(bits, seed) : BigInt.asUintN(bits, seed);
        const place = binaryPlace(field({ at: 1, type: `${signed ? "s" : "u"}${bits}${bits === 8 ? "" : order}` }));
        const frame = new Uint8Array(bits / 8 + 2).fill(0x55);
        place.write(frame, value);
        assert.equal(BigInt((place.read(frame) ?? 0) as number | bigint), value);
        assert.deepEqual([frame[0], frame.at(-1)], [0x55, 0x55]);
      },
    ),
  );
});

test("a value without room is refused", () => {
  const refused: readonly (readonly [object, Raw])[] = [
    [{ at: 0, type: "u8" }, 256],
    [{ at: 0, type: "u8" }, -1],
    [{ at: 0, type: "s8" }, 128],
    [{ at: 0, type: "u8", bit: 1 }, 2],
    [{ at: 0, type: "bcdbe", length: 1 }, 100],
    [{ at: 0, type: "ascii", length: 1 }, "AB"],
    [{ at: 0, type: "bytes", length: 1 }, Uint8Array.of(1, 2)],
    [{ at: 0, type: "u8" }, "seven"],
    [{ at: 9, type: "u8" }, 1],
  ];
  for (const [options, value] of refused) {
    assert.throws(() => binaryPlace(field(options)).write(new Uint8Array(2), value), RangeError);
  }
});
