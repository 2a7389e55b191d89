import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BatchError,
  type BatchFormat,
  type BatchMessage,
  type Compression,
  compressionAvailable,
  decodeBatch,
  encodeBatch,
} from "../../../../src/protocols/batch/index.js";
import { decodeSenmlCbor } from "../../../../src/protocols/senml/index.js";
import { createRandom } from "../framing/specimens.js";
import { anything, EXAMPLE, plain, reading, stream } from "./readings.js";

const FORMATS: readonly BatchFormat[] = ["json", "senml-cbor"];
const COMPRESSIONS = (["none", "zlib", "zstd"] as const satisfies Compression[]).filter(compressionAvailable);
const RUNS = Number(process.env["WEIR_RUNS"] ?? 1000);

function same(messages: readonly BatchMessage[], format: BatchFormat, compression: Compression, id?: string): void {
  const options = { format, compression, ...(id === undefined ? {} : { id }) };
  const batch = decodeBatch(encodeBatch(messages, options));
  assert.deepEqual(plain(batch.messages), plain(messages));
  assert.equal(batch.id, id);
}

const batches = fc.array(anything, { minLength: 1, maxLength: 12 });
const id = fc.option(fc.constantFrom("", "weir-1/42", "ü"), { nil: undefined });

for (const format of FORMATS) {
  for (const compression of COMPRESSIONS) {
    const numRuns = compression === "none" ? RUNS : RUNS / 10;
    test(`${format}, ${compression}: any messages come back as they were`, () => {
      fc.assert(
        fc.property(batches, id, (messages, one) => same(messages, format, compression, one)),
        { numRuns },
      );
    });
    test(`${format}, ${compression}: readings come back as they were`, () => {
      fc.assert(
        fc.property(stream, (messages) => same(messages, format, compression)),
        { numRuns },
      );
    });
  }
}

test("a stream of readings takes the compact form, in which any SenML reader finds names, times, units and values", () => {
  fc.assert(
    fc.property(stream, (messages) => {
      const pack = encodeBatch(messages, { format: "senml-cbor", compression: "none" });
      const expected = messages.map(({ topic, payload }) => {
        const { v, t, u } = JSON.parse(Buffer.from(payload).toString());
        return { name: topic, value: v, time: t, unit: u };
      });
      assert.deepEqual(decodeSenmlCbor(pack, { now: 0 }), expected);
    }),
  );
});

test("whatever is in a batch, a SenML reader takes it", () => {
  fc.assert(
    fc.property(batches, (messages) => {
      const pack = encodeBatch(messages, { format: "senml-cbor", compression: "none" });
      assert.equal(decodeSenmlCbor(pack, { now: 0 }).length, messages.length);
    }),
  );
});

test("what is nearly a reading comes back as it was", () => {
  const texts = [
    '{"v":"\\ud800","t":1763890000123,"q":"good"}',
    '{"v":1,"t":1763890000123,"u":"\\udc00","q":"good"}',
    '{"v":1,"t":1763890000123.5,"q":"good"}',
    '{"v":1,"t":1763890000123,"q":"good","u":"Cel"}',
    '{"v":1,"t":1763890000123,"q":"good","x":1}',
    '{"v":-0,"t":1763890000123,"q":"good"}',
    '{"v":null,"t":1763890000123,"q":"bad"}',
  ];
  const messages = texts.map((text) => ({ topic: "a", payload: Buffer.from(text), qos: 0, retain: false }) as const);
  for (const format of FORMATS) same(messages, format, "none");
});

test("a hundred typical readings take less than a seventh of what they take alone", () => {
  const random = createRandom(1);
  const messages = Array.from({ length: 100 }, (_, index) => {
    const time = 1_763_890_000_000 + index * 700 + random(500);
    const [name, unit] = index % 2 === 0 ? ["temperature", "Cel"] : ["humidity", "%RH"];
    return reading(`weir/air-${random(10)}/${name}`, 20 + random(100) / 10, time, unit);
  });
  // MQTT 3.1.1: fixed header, topic with its length, packet id.
  const alone = messages.reduce((sum, { topic, payload }) => sum + 2 + 2 + topic.length + 2 + payload.length, 0);
  for (const format of FORMATS) {
    const { length } = encodeBatch(messages, { format, compression: "zlib" });
    assert.ok(length < alone / 7, `${format}: ${length} of ${alone} bytes`);
  }
});

test("every ms of some years is restored, from any base time", () => {
  const time = fc.integer({ min: 1.5e12, max: 2.5e12 });
  fc.assert(
    fc.property(time, time, (base, later) => {
      const messages = [reading("a/b", 1, base), reading("a/b", 2, later)];
      const pack = encodeBatch(messages, { format: "senml-cbor", compression: "none" });
      assert.deepEqual(plain(decodeBatch(pack).messages), plain(messages));
      assert.deepEqual(
        decodeSenmlCbor(pack, { now: 0 }).map((record) => record.time),
        [base, later],
      );
    }),
    { numRuns: 10 * RUNS },
  );
});

test("a time that SenML would take as relative is not in the compact form", () => {
  const pack = encodeBatch([reading("a", 1, 86_400_000)], { format: "senml-cbor", compression: "none" });
  const [record] = decodeSenmlCbor(pack, { now: 5 });
  assert.deepEqual(record, { name: "a", value: '{"v":1,"t":86400000,"q":"good"}', time: 5 });
});

test("a batch does not share memory with what it was decoded from", () => {
  const bytes = encodeBatch([{ topic: "a", payload: Uint8Array.of(0xff, 1), qos: 0, retain: false }], {
    format: "senml-cbor",
    compression: "none",
  });
  const { messages } = decodeBatch(bytes);
  bytes.fill(0);
  assert.deepEqual([...(messages[0]?.payload ?? [])], [0xff, 1]);
  assert.equal(messages[0]?.payload.buffer.byteLength, 2);
});

test("what cannot be said is an error", () => {
  const options = { format: "json", compression: "none" } as const;
  assert.throws(() => encodeBatch([], options), BatchError);
  assert.throws(() => encodeBatch(EXAMPLE, { ...options, id: "\ud800" }), BatchError);
  assert.throws(() => encodeBatch([{ ...reading("a", 1, 1), topic: "\udc00" }], options), /message 1 has a topic/);
});
