import assert from "node:assert/strict";
import { test } from "node:test";
import { createSum, createXor } from "../../../../src/protocols/checksum/sum.js";

const BYTES = Uint8Array.of(0xff, 0x86, 0x02, 0x7c);

test("sums are taken modulo their width", () => {
  assert.equal(createSum(8, undefined)(BYTES), 0x03);
  assert.equal(createSum(16, undefined)(BYTES), 0x0203);
  assert.equal(createSum(16, undefined)(new Uint8Array(258).fill(0xff)), 0x00fe);
});

test("complements invert the bits, or bring the sum to 0", () => {
  assert.equal(createSum(8, "ones")(BYTES), 0xfc);
  assert.equal(createSum(8, "twos")(BYTES), 0xfd);
  assert.equal(createSum(16, "ones")(BYTES), 0xfdfc);
  assert.equal(createSum(16, "twos")(BYTES), 0xfdfd);
  assert.equal(createXor("ones")(BYTES), 0xf8);
  assert.equal(createXor("twos")(BYTES), 0xf9);
});

test("exclusive or combines the bytes", () => {
  assert.equal(createXor(undefined)(BYTES), 0x07);
});

test("no bytes come to nothing", () => {
  assert.equal(createSum(8, undefined)(new Uint8Array()), 0);
  assert.equal(createSum(8, "twos")(new Uint8Array()), 0);
  assert.equal(createXor("ones")(new Uint8Array()), 0xff);
});
