import fc from "fast-check";
import type { BatchMessage } from "../../../../src/protocols/batch/index.js";

/** A message as Weir's format `json` makes it. */
export function reading(topic: string, value: number | boolean | string, time: number, unit?: string): BatchMessage {
  const payload = Buffer.from(JSON.stringify({ v: value, t: time, u: unit, q: "good" }));
  return { topic, payload, qos: 1, retain: false };
}

/** Two readings and a status: the worked example of docs/guide/batches.md. */
export const EXAMPLE: readonly BatchMessage[] = [
  reading("weir/air-1/temperature", 21.5, 1_763_890_000_123, "Cel"),
  reading("weir/air-1/humidity", 40, 1_763_890_000_131, "%RH"),
  { topic: "weir/air-1/status", payload: Buffer.from("online"), qos: 1, retain: true },
];

const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
const wellFormed = fc.string({ unit: "binary", maxLength: 20 }).filter((text) => !/\p{Surrogate}/u.test(text));
const topic = fc.oneof(
  wellFormed,
  fc.stringMatching(/^[a-z]{1,3}(\/[a-z0-9._$ -]{0,4}){0,4}$/),
  fc.constantFrom("weir", "weir/", "/", "", "0", "$SYS/a", "weir/a/b", "weir/a/bc", "weir/ä/b"),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.integer({ min: -100_000, max: 100_000 }).map((whole) => whole / 100),
);
const time = fc.oneof(
  fc.integer({ min: 1_763_890_000_000, max: 1_763_890_100_000 }),
  fc.integer({ min: 2 ** 28 * 1000 - 3000, max: 2 ** 28 * 1000 + 3000 }),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
  number,
);
const quality = fc.constantFrom("good", "uncertain", "bad", "worse");
const value = fc.oneof(number, fc.boolean(), fc.string({ unit: "binary", maxLength: 10 }), fc.constant(null));
const unit = fc.option(fc.oneof(fc.constantFrom("Cel", "%RH"), fc.string({ unit: "binary", maxLength: 4 })), {
  nil: undefined,
});
const text = fc.oneof(
  fc
    .tuple(value, time, unit, quality)
    .map(([v, t, u, q]) => JSON.stringify(u === undefined ? { v, t, q } : { v, t, u, q })),
  fc.json({ stringUnit: "binary" }),
  fc.constantFrom(
    "",
    "-0",
    "1e5",
    "1E400",
    "Infinity",
    "null",
    '{"v":1}',
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    "\ufeff1",
  ),
  fc.constantFrom('{"v":1,"t":1763890000123,"q":"good"} ', '{"v":1.0,"t":1763890000123,"q":"good"}', '{"2":1,"1":2}'),
  number.map(String),
  fc.string({ unit: "binary" }),
);
const payload = fc.oneof(
  text.map((one) => new Uint8Array(Buffer.from(one))),
  fc.uint8Array({ maxLength: 40 }),
);

/** Whatever may be in a topic and a payload, with much of what is nearly a reading. */
export const anything: fc.Arbitrary<BatchMessage> = fc.record({ topic, payload, qos, retain: fc.boolean() });

const device = fc.constantFrom("air-1", "air-2", "meter");
const step = fc.record({
  device,
  resource: fc.constantFrom("temperature", "humidity", "pm2_5"),
  /** In ms: mostly on, at times back. */
  wait: fc.integer({ min: -2000, max: 100_000 }),
  whole: fc.integer({ min: -100_000, max: 100_000 }),
  decimals: fc.integer({ min: 0, max: 4 }),
  quality: fc.constantFrom("good", "good", "good", "uncertain", "bad"),
  qos,
});

/** What devices say one after the other. */
export const stream: fc.Arbitrary<BatchMessage[]> = fc
  .tuple(fc.integer({ min: 1e12, max: 4e12 }), fc.array(step, { minLength: 1, maxLength: 60 }))
  .map(([start, steps]) => {
    let t = start;
    return steps.map((one) => {
      t += one.wait;
      const v = one.whole / 10 ** one.decimals;
      const json = JSON.stringify({ v, t, u: "Cel", q: one.quality });
      return { topic: `weir/${one.device}/${one.resource}`, payload: Buffer.from(json), qos: one.qos, retain: false };
    });
  });

/** Comparable: assert.deepEqual takes a Buffer for something else than the Uint8Array that it is. */
export function plain(messages: readonly BatchMessage[]): unknown[] {
  return messages.map((message) => ({ ...message, payload: Buffer.from(message.payload).toString("hex") }));
}
