import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../../src/profile/index.js";
import type { Rule } from "../../../src/profile/schema/fields.js";
import { type Interpreted, interpret, numberOf, type Raw, toRaw } from "../../../src/profile/value.js";

const RULE: Rule = { scale: 1, offset: 0, invalid: [] };

function resource(type: Resource["type"], range: { min?: number; max?: number } = {}): Resource {
  return { type, access: "R", ...range };
}

function good(value: string | number | boolean | Uint8Array): Interpreted {
  return { kind: "value", value, quality: "good" };
}

function kind(raw: Raw, rule: Partial<Rule>, type: Resource["type"]): string {
  return interpret(raw, { ...RULE, ...rule }, resource(type)).kind;
}

test("raw values become the resource's type", () => {
  assert.deepEqual(interpret("000004.426", RULE, resource("number")), good(4.426));
  assert.deepEqual(interpret(" -3.0 ", RULE, resource("number")), good(-3));
  assert.deepEqual(interpret("0x1F", { ...RULE, base: 16 }, resource("integer")), good(31));
  assert.deepEqual(interpret("on", RULE, resource("boolean")), good(true));
  assert.deepEqual(interpret(0, RULE, resource("boolean")), good(false));
  assert.deepEqual(interpret(7, RULE, resource("string")), good("7"));
  assert.deepEqual(interpret(Uint8Array.of(0xa1, 0x60), RULE, resource("string")), good("A1 60"));
  assert.deepEqual(interpret("a160", RULE, resource("bytes")), good(Uint8Array.of(0xa1, 0x60)));
  assert.deepEqual(interpret(0.514, { ...RULE, scale: 0.514444, decimals: 2 }, resource("number")), good(0.26));
});

test("what is no value is told from what is wrong", () => {
  assert.equal(kind("", {}, "number"), "none");
  assert.equal(kind(null, {}, "number"), "none");
  assert.equal(kind(Number.NaN, {}, "number"), "none");
  assert.equal(kind(0xffff, { invalid: [0xffff] }, "number"), "none");
  assert.equal(kind("---", { invalid: ["---"] }, "number"), "none");
  for (const raw of [
    "abc",
    "1.2.3",
    "0x10",
    "1e999",
    "Infinity",
    "--1",
    true,
    Number.POSITIVE_INFINITY,
    "9".repeat(65),
  ]) {
    assert.equal(kind(raw, {}, "number"), "bad", String(raw));
  }
  assert.equal(kind(1.5, {}, "integer"), "bad");
  assert.equal(kind("perhaps", {}, "boolean"), "bad");
  assert.equal(kind("xy", {}, "bytes"), "bad");
  assert.equal(kind("4860.00", { format: "ddmm" }, "number"), "bad");
});

test("what the profile cannot vouch for is uncertain", () => {
  const range = resource("number", { min: 0, max: 100 });
  assert.deepEqual(interpret(101, RULE, range), { kind: "value", value: 101, quality: "uncertain" });
  assert.deepEqual(interpret(-1, RULE, range), { kind: "value", value: -1, quality: "uncertain" });
  assert.deepEqual(interpret(100, RULE, range), good(100));
  const states: Rule = { ...RULE, enum: { 0: "off", 3: "bulk" } };
  assert.deepEqual(interpret("3", states, resource("string")), good("bulk"));
  assert.deepEqual(interpret(0, states, resource("string")), good("off"));
  assert.deepEqual(interpret("9", states, resource("string")), { kind: "value", value: "9", quality: "uncertain" });
  assert.equal(interpret("9", { ...RULE, enum: { 1: true } }, resource("boolean")).kind, "bad");
  assert.equal(interpret("toString", states, resource("number")).kind, "bad", "nothing inherited is listed");
});

test("integers beyond 2^53 are uncertain numbers, and exact strings", () => {
  const large = 18446744073709551615n;
  assert.deepEqual(interpret(large, RULE, resource("string")), good("18446744073709551615"));
  assert.deepEqual(interpret(large, RULE, resource("number")), {
    kind: "value",
    value: 18446744073709552000,
    quality: "uncertain",
  });
  assert.equal(numberOf("9007199254740993"), 9007199254740993n);
  assert.equal(numberOf("9007199254740991"), 9007199254740991);
});

test("values become raw again", () => {
  assert.equal(toRaw(21.5, { ...RULE, scale: 0.1 }), 215);
  assert.equal(toRaw(25, { ...RULE, offset: -40 }), 65);
  assert.equal(toRaw("bulk", { ...RULE, enum: { 3: "bulk" } }), "3");
  assert.equal(toRaw("boost", { ...RULE, enum: { 3: "bulk" } }), undefined);
  assert.equal(toRaw(-33.5, { ...RULE, format: "ddmm" }), -3330);
});
