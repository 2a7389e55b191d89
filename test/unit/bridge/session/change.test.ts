import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBank, encodeFrame, encodeSnapshot } from "../../../../src/bridge/session/bank.js";
import type { Change } from "../../../../src/bridge/session/session.js";
import { crc32 } from "../../../../src/outbox/log/crc.js";
import { anyChange } from "./changes.js";

const BANK = 8192;
const many = fc.array(anyChange, { maxLength: 30 });

function bankOf(...parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(BANK);
  Buffer.concat(parts).copy(bytes);
  return bytes;
}

test("a snapshot and its frames are read as they were written", () => {
  fc.assert(
    fc.property(many, fc.array(many, { maxLength: 5 }), fc.string({ unit: "grapheme" }), (changes, frames, epoch) => {
      const head = { generation: 2 ** 48 - 1, salt: 2 ** 32 - 1, epochs: [epoch, ""] as const };
      const bytes = bankOf(
        encodeSnapshot({ ...head, changes }),
        ...frames.map((frame) => encodeFrame(head.salt, frame)),
      );
      assert.deepEqual(decodeBank(bytes), { ...head, changes: [...changes, ...frames.flat()], damage: undefined });
    }),
  );
});

test("any bytes under a sound CRC are either changes or damage, never an error", () => {
  const snapshot = encodeSnapshot({ generation: 1, salt: 5, epochs: ["a", "b"], changes: [] });
  const found = { changes: 0, damage: 0 };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 9 }), (content, kind) => {
      const frame = Buffer.concat([encodeFrame(5, []), Buffer.from([kind]), content]);
      frame.writeUInt32LE(frame.length, 4);
      frame.writeUInt32LE(crc32(frame, 4, frame.length), 0);
      const bank = decodeBank(bankOf(snapshot, frame));
      assert.ok(bank);
      found[bank.damage === undefined ? "changes" : "damage"] += 1;
      if (bank.damage === undefined) assert.deepEqual(encodeFrame(5, bank.changes).subarray(12), frame.subarray(12));
      else assert.deepEqual(bank.changes, []);
    }),
    { numRuns: 2000 },
  );
  assert.ok(found.changes > 0 && found.damage > 0);
});

test("the format of a later Weir is said to be that", () => {
  const bytes = bankOf(encodeSnapshot({ generation: 1, salt: 5, epochs: ["a", "b"], changes: [] }));
  const end = bytes.readUInt32LE(20) - 4;
  bytes.writeUInt16LE(2, 8);
  bytes.writeUInt32LE(crc32(bytes, 0, end), end);
  assert.match(decodeBank(bytes)?.damage ?? "", /another version wrote it \(format 2\)/);
});

test("a bank full of what looks like frames is read in no time", () => {
  const salt = 0x0101_0101;
  const changes: Change[] = [];
  const bytes = Buffer.alloc(512 * 1024, 1);
  const snapshot = encodeSnapshot({ generation: 1, salt, epochs: ["a", "b"], changes });
  snapshot.copy(bytes);
  // Each of them claims all that follows.
  for (let at = snapshot.length; at + 8 < bytes.length; at += 12) bytes.writeUInt32LE(bytes.length - at, at + 4);
  const began = performance.now();
  assert.equal(decodeBank(bytes)?.damage, undefined);
  assert.ok(performance.now() - began < 1000);
});
