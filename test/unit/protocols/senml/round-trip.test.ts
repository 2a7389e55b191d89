import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeSenmlCbor,
  decodeSenmlJson,
  decodeStrictCbor,
  decodeStrictJson,
  encodeSenmlCbor,
  encodeSenmlJson,
  SenmlError,
  type SenmlRecord,
} from "../../../../src/protocols/senml/index.js";

const NOW = 1_763_890_000_123;
/** -0 is 0 in JSON. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:./_-]{0,30}$/);
const record: fc.Arbitrary<SenmlRecord> = fc.record(
  {
    name: name.map((own) => `dev/${own}`),
    unit: fc.string({ unit: "grapheme", maxLength: 8 }),
    value: fc.oneof(number, fc.boolean(), fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 40 })),
    sum: number,
    time: fc.integer({ min: 2 ** 28 * 1000, max: 8.64e14 }),
  },
  { requiredKeys: ["name", "value"] },
);

test("what is encoded is decoded again, in JSON and CBOR, with and without a base name", () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 10 }), fc.boolean(), (records, withBase) => {
      const options = withBase ? { baseName: "dev/" } : {};
      const expected = records.map((one) => ({ ...one, time: one.time ?? NOW }));
      assert.deepEqual(decodeSenmlJson(encodeSenmlJson(records, options), { now: NOW }), expected);
      assert.deepEqual(decodeSenmlCbor(encodeSenmlCbor(records, options), { now: NOW }), expected);
    }),
  );
});

test("JSON is written byte by byte as documented", () => {
  const text = (records: SenmlRecord[], baseName?: string): string =>
    Buffer.from(encodeSenmlJson(records, baseName === undefined ? {} : { baseName })).toString();
  const first = { name: "air/temperature", value: 21.5, unit: "Cel", time: 1_763_890_000_123 };
  assert.equal(text([first], "air/"), `[{"bn":"air/","bt":1763890000.123,"n":"temperature","u":"Cel","v":21.5}]`);
  assert.equal(
    text([first, { name: "air/label", value: "é", time: 1_763_890_001_223 }], "air/"),
    `[{"bn":"air/","bt":1763890000.123,"n":"temperature","u":"Cel","v":21.5},{"n":"label","vs":"é","t":1.1}]`,
  );
  assert.equal(
    text([
      { name: "a", value: 2, time: 1_763_890_001_000 },
      { name: "a", value: 1, time: 1_763_890_000_000 },
    ]),
    `[{"bt":1763890000,"n":"a","v":2,"t":1},{"n":"a","v":1}]`,
  );
  assert.equal(text([{ name: "a", value: true, sum: 2 }]), `[{"n":"a","vb":true,"s":2}]`);
  assert.equal(text([{ name: "a", value: Buffer.from("hi \n") }]), `[{"n":"a","vd":"aGkgCg"}]`);
  assert.equal(
    text([
      { name: "a", value: 1, time: 1_763_890_000_000 },
      { name: "b", value: 2 },
    ]), // one has no time: no base time
    `[{"n":"a","v":1,"t":1763890000},{"n":"b","v":2}]`,
  );
});

test("a time that would be read as relative is left out", () => {
  assert.equal(
    Buffer.from(encodeSenmlJson([{ name: "a", value: 1, time: 86_400_000 }])).toString(),
    `[{"n":"a","v":1}]`,
  );
});

test("what SenML cannot say is an error", () => {
  for (const records of [
    [],
    [{ name: "_a", value: 1 }],
    [{ name: "a", value: Number.NaN }],
    [{ name: "a", sum: Number.POSITIVE_INFINITY }],
    [{ name: "a" }],
  ] as SenmlRecord[][]) {
    assert.throws(() => encodeSenmlJson(records), SenmlError);
    assert.throws(() => encodeSenmlCbor(records), SenmlError);
  }
  assert.throws(() => encodeSenmlJson([{ name: "b/x", value: 1 }], { baseName: "a/" }), /begin with "a\/"/);
});

test("the strict JSON decoder agrees with JSON.parse on all JSON of small depth", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5, stringUnit: "grapheme" }), (text) => {
      assert.deepEqual(decodeStrictJson(Buffer.from(text), { maxDepth: 7 }), JSON.parse(text));
    }),
  );
});

test("no bytes make a decoder throw anything else than a SenmlError", () => {
  const seeds = [
    encodeSenmlCbor([
      { name: "a", value: 1.5, unit: "Cel" },
      { name: "b", value: "x" },
    ]),
    Buffer.from(`[{"n":"a","v":1.5}]`),
  ];
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }))
    .map(([seed, changes]) => {
      const bytes = Uint8Array.from(seed);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      for (const run of [
        () => decodeSenmlCbor(bytes, { now: NOW }),
        () => decodeSenmlJson(bytes, { now: NOW }),
        () => decodeStrictCbor(bytes),
      ]) {
        try {
          run();
        } catch (thrown) {
          assert.ok(thrown instanceof SenmlError, String(thrown));
        }
      }
    }),
    { numRuns: 2000 },
  );
});
