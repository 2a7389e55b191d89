import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Qos } from "../../../../src/core/message.js";
import { crc32 } from "../../../../src/outbox/log/crc.js";
import {
  appendedAt,
  expiresOf,
  LARGEST,
  lengthAt,
  messageAt,
  RECORD_HEADER,
  sequenceAt,
  sizeOf,
  soundAt,
  writeRecord,
} from "../../../../src/outbox/log/record.js";

const messages = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }),
  payload: fc.uint8Array({ maxLength: 100 }),
  qos: fc.constantFrom<Qos>(0, 1, 2),
  retain: fc.boolean(),
});

test("the CRC is that of zlib: its check value, and bit by bit at every length and place", () => {
  assert.equal(crc32(Buffer.from("123456789"), 0, 9), 0xcbf4_3926);
  const plain = (bytes: Uint8Array): number => {
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
    }
    return ~crc >>> 0;
  };
  const some = fc.tuple(fc.uint8Array({ maxLength: 64 }), fc.nat(64), fc.nat(64));
  fc.assert(
    fc.property(some, ([bytes, a, b]) => {
      const [start, end] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      assert.equal(crc32(bytes, start, end), plain(bytes.subarray(start, end)));
    }),
  );
});

test("a record gives back the message, its sequence and its time, wherever it stands", () => {
  const lives = fc.option(fc.integer({ min: 1, max: 2 ** 40 - 1 }), { nil: undefined });
  const time = fc.integer({ min: 0, max: LARGEST });
  const numbers = fc.tuple(fc.integer({ min: 1, max: LARGEST }), time, fc.nat(9), lives);
  fc.assert(
    fc.property(messages, numbers, (message, [sequence, appended, offset, life]) => {
      const expires = life === undefined ? undefined : appended + life;
      const length = RECORD_HEADER + sizeOf(message);
      const buffer = Buffer.alloc(offset + length + 3, 0xff);
      assert.equal(writeRecord(buffer, offset, sequence, { message, appended, expires }), offset + length);
      assert.equal(lengthAt(buffer, offset), length);
      assert.ok(soundAt(buffer, offset, length));
      assert.equal(sequenceAt(buffer, offset), sequence);
      assert.equal(appendedAt(buffer, offset), appended);
      assert.equal(expiresOf(buffer, offset), expires);
      const read = messageAt(buffer, offset, length);
      buffer.fill(0);
      assert.deepEqual({ ...read, payload: [...read.payload] }, { ...message, payload: [...message.payload] });
    }),
  );
});

test("a record with any one bit turned over is not sound", () => {
  const message = { topic: "a/b", payload: Buffer.from("21.5"), qos: 2, retain: true } as const;
  const buffer = Buffer.alloc(RECORD_HEADER + sizeOf(message));
  writeRecord(buffer, 0, 5, { message, appended: 1000, expires: 2 ** 39 });
  for (let bit = 0; bit < buffer.length * 8; bit++) {
    const turned = Buffer.from(buffer);
    turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const length = lengthAt(turned, 0);
    const whole = length !== undefined && length <= turned.length;
    assert.ok(!whole || !soundAt(turned, 0, length), `bit ${bit}`);
  }
});

test("what no packet could hold is refused, and a clock gone wrong is not", () => {
  assert.throws(
    () => sizeOf({ topic: "x".repeat(65_536), payload: Buffer.alloc(0), qos: 1, retain: false }),
    RangeError,
  );
  for (const time of [-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
    const message = { topic: "t", payload: Buffer.alloc(0), qos: 1, retain: false } as const;
    const buffer = Buffer.alloc(RECORD_HEADER + 1);
    writeRecord(buffer, 0, 1, { message, appended: time, expires: time });
    assert.ok(soundAt(buffer, 0, buffer.length));
  }
});

test("a record from before messages could expire never does", () => {
  // Topic "t", payload "x", QoS 1, sequence 3, appended at 1000, as it was written then.
  const old = Buffer.from(
    "00000000 1e000000 030000000000 e80300000000 00000000 0100 0100 7478".replaceAll(" ", ""),
    "hex",
  );
  old.writeUInt32LE(crc32(old, 4, old.length), 0);
  assert.ok(soundAt(old, 0, old.length));
  assert.equal(expiresOf(old, 0), undefined);
  const again = Buffer.alloc(old.length);
  writeRecord(again, 0, 3, {
    message: messageAt(old, 0, old.length),
    appended: appendedAt(old, 0),
    expires: undefined,
  });
  assert.deepEqual(again, old);
});
