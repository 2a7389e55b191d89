import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decimalsOf,
  fromDdmm,
  inverse,
  linear,
  roundTo,
  shortestFloat32,
  toDdmm,
} from "../../../src/profile/decimal.js";

test("a scaled value has no binary noise", () => {
  assert.equal(linear(6, 0.1, 0), 0.6);
  assert.equal(linear(3, 0.1, 0), 0.3);
  assert.equal(linear(215, 0.1, 0), 21.5);
  assert.equal(linear(1.1, 1.1, 0), 1.21);
  assert.equal(linear(65, 1, -40), 25);
  assert.equal(linear(10, 0.1, 0.2), 1.2);
  assert.equal(linear(1, 1e-7, 0), 1e-7);
  assert.ok(Object.is(linear(0, -0.1, 0), 0), "never -0");
});

test("a value's text has at most the decimals of raw and scale together", () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.integer({ min: 0, max: 6 }), (raw, places) => {
      const value = linear(raw, Number(`1e-${places}`), 0);
      assert.ok(decimalsOf(value) <= places);
      assert.equal(Math.round(inverse(value, Number(`1e-${places}`), 0)), raw);
    }),
  );
});

test("decimals of numbers with an exponent", () => {
  assert.equal(decimalsOf(1e-7), 7);
  assert.equal(decimalsOf(1.25e-7), 9);
  assert.equal(decimalsOf(1e21), 0);
  assert.equal(decimalsOf(-0.25), 2);
});

test("a 32-bit float becomes the decimal that was meant", () => {
  assert.equal(shortestFloat32(Math.fround(0.6)), 0.6);
  assert.equal(shortestFloat32(Math.fround(21.5)), 21.5);
  assert.equal(shortestFloat32(Math.fround(123456.79)), 123456.79);
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      assert.ok(Math.fround(shortestFloat32(value)) === value);
    }),
  );
});

test("degrees and minutes", () => {
  assert.equal(fromDdmm(4807.038), 48.1173);
  assert.equal(fromDdmm(-7030), -70.5);
  assert.equal(fromDdmm(4134.49821229), 41.5749702048);
  assert.equal(fromDdmm(4860), undefined, "60 minutes");
  assert.equal(fromDdmm(18100), undefined, "181 degrees");
  fc.assert(
    fc.property(fc.integer({ min: -1_800_000_000, max: 1_800_000_000 }), (scaled) => {
      const degrees = scaled / 1e7;
      const again = fromDdmm(toDdmm(degrees, 6));
      assert.ok(again !== undefined && Math.abs(again - degrees) <= 1e-7);
    }),
  );
});

test("rounding up to a whole degree carries over", () => {
  assert.equal(toDdmm(47.99999999, 4), 4800);
  assert.equal(roundTo(-0.0004, 3), 0);
});
