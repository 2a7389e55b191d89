import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Reading, Scalar } from "../../../src/core/reading.js";
import { jsonPayload, objectPayload, scalarJson, senmlPayload, valuePayload } from "../../../src/router/payload.js";

const text = (payload: Uint8Array): string => Buffer.from(payload).toString();

function reading(resource: string, value: Scalar, more: Partial<Reading> = {}): Reading {
  return { device: "air", resource, value, time: 1_763_890_000_123, quality: "good", ...more };
}

describe("payloads", () => {
  it("value: the scalar alone", () => {
    const cases: [Scalar, string][] = [
      [21.5, "21.5"],
      [-0, "0"],
      [0.1, "0.1"],
      [1e21, "1e+21"],
      [true, "true"],
      [false, "false"],
      ["on", "on"],
      ['a "b"\n', 'a "b"\n'],
      ["", ""],
      [Number.NaN, "null"],
      [Number.NEGATIVE_INFINITY, "null"],
    ];
    for (const [value, expected] of cases) assert.equal(text(valuePayload(value)), expected);
    assert.deepEqual([...valuePayload(Uint8Array.of(0, 255, 123))], [0, 255, 123]);
  });

  it("json: keys in one order, unit only where known", () => {
    const full = jsonPayload(reading("t", 21.5, { unit: "Cel" }));
    assert.equal(text(full), '{"v":21.5,"t":1763890000123,"u":"Cel","q":"good"}');
    assert.equal(
      text(jsonPayload(reading("t", true, { quality: "uncertain" }))),
      '{"v":true,"t":1763890000123,"q":"uncertain"}',
    );
    assert.equal(
      text(jsonPayload(reading("t", 'a"\u0000', { unit: 'x"' }))),
      '{"v":"a\\"\\u0000","t":1763890000123,"u":"x\\"","q":"good"}',
    );
    assert.equal(
      text(jsonPayload(reading("t", Uint8Array.of(251, 255), { time: 1.5 }))),
      '{"v":"+/8=","t":2,"q":"good"}',
    );
    assert.equal(text(jsonPayload(reading("t", Number.NaN))), '{"v":null,"t":1763890000123,"q":"bad"}');
  });

  it("object: the latest time, the order of the batch, faults named at the end", () => {
    const batch = [
      reading("pm1_0", 1),
      reading("1", 2, { time: 1_763_890_000_200 }),
      reading("__proto__", "x", { time: 5 }),
    ];
    assert.equal(text(objectPayload(batch)), '{"t":1763890000200,"pm1_0":1,"1":2,"__proto__":"x"}');
    const faulty = [reading("a", 1, { quality: "uncertain" }), reading("b", 2), reading("c", Number.POSITIVE_INFINITY)];
    assert.equal(
      text(objectPayload(faulty)),
      '{"t":1763890000123,"a":1,"b":2,"c":null,"q":{"a":"uncertain","c":"bad"}}',
    );
  });

  it("senml: base name, base time, one record a reading", () => {
    const batch = [
      reading("pm2_5", 8, { unit: "ug/m3" }),
      reading("on", true, { time: 1_763_890_000_623 }),
      reading("raw", Uint8Array.of(251, 255)),
      reading("mode", "auto"),
    ];
    assert.equal(
      text(senmlPayload("air", batch)),
      '[{"bn":"air/","bt":1763890000.123,"n":"pm2_5","u":"ug/m3","v":8},{"n":"on","vb":true,"t":0.5},{"n":"raw","vd":"-_8"},{"n":"mode","vs":"auto"}]',
    );
  });

  it("are JSON for every scalar there is", () => {
    const scalar: fc.Arbitrary<Scalar> = fc.oneof(
      fc.double(),
      fc.boolean(),
      fc.string({ unit: "binary" }),
      fc.uint8Array(),
    );
    const quality = fc.constantFrom("good", "uncertain", "bad" as const);
    fc.assert(
      fc.property(scalar, quality, fc.option(fc.string(), { nil: undefined }), (value, grade, unit) => {
        const one = reading("x", value, { quality: grade, ...(unit === undefined ? {} : { unit }) });
        const parsed: unknown = JSON.parse(text(jsonPayload(one)));
        const finite = typeof value !== "number" || Number.isFinite(value);
        assert.deepEqual(parsed, {
          v: JSON.parse(scalarJson(value)),
          t: one.time,
          ...(unit === undefined ? {} : { u: unit }),
          q: finite ? grade : "bad",
        });
        const wrapped: unknown = JSON.parse(text(objectPayload([one])));
        const written: unknown = JSON.parse(scalarJson(value));
        const bad = finite && grade === "good" ? {} : { q: { x: finite ? grade : "bad" } };
        assert.deepEqual(wrapped, { t: one.time, x: written, ...bad });
      }),
    );
  });
});
