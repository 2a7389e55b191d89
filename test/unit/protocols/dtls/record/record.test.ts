import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PlaintextWriter } from "../../../../../src/protocols/dtls/record/protection.js";
import { CONTENT, parseDatagram } from "../../../../../src/protocols/dtls/record/record.js";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const plain = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a record and one with a connection id in one datagram", () => {
  const bytes = hex("16 feff 0000 0000 0000 0007 0003 0a0b0c   19 fefd 0001 ffff ffff fffe c1c2 0002 0d0e");
  const { records, fault } = parseDatagram(bytes, 2);
  assert.equal(fault, undefined);
  assert.deepEqual(
    records.map(({ type, epoch, sequence, cid, fragment, number }) => [
      type,
      epoch,
      sequence,
      plain(cid),
      plain(fragment),
      plain(number),
    ]),
    [
      [22, 0, 7, "", "0a0b0c", "0000000000000007"],
      [25, 1, 2 ** 48 - 2, "c1c2", "0d0e", "0001fffffffffffe"],
    ],
  );
  // Views, of which a slice is a copy.
  assert.equal(records[0]?.fragment.buffer, bytes.buffer);
  assert.notEqual(records[0]?.fragment.slice().buffer, bytes.buffer);
});

for (const [name, text, fault, count] of [
  ["nothing", "", undefined, 0],
  ["half a header", "16 fefd 0000 0000", "truncated", 0],
  ["a fragment beyond the end", "16 fefd 0000 0000 0000 0000 0004 000000", "truncated", 0],
  ["the second one truncated", "16 fefd 0000 0000 0000 0000 0001 00 16", "truncated", 1],
  ["a connection id beyond the end", "19 fefd 0001 0000 0000 0000 0000", "truncated", 0],
  ["TLS", "16 0303 0001 0000 0000 0000 0000 0000", "version", 0],
  ["DTLS 1.0 after the first epoch", "16 feff 0001 0000 0000 0000 0000", "version", 0],
  ["DTLS 1.3", "2f 1234 5678 0000 0000 0000 0000 0000", "version", 0],
  ["longer than any record", `17 fefd 0001 0000 0000 0000 4801${"00".repeat(0x4801)}`, "too_long", 0],
] as const) {
  test(`a datagram of ${name}`, () => {
    const parsed = parseDatagram(hex(text), 8);
    assert.deepEqual([parsed.fault, parsed.records.length], [fault, count]);
  });
}

test("whatever comes is read to its end or has a fault, and costs no more than its length", () => {
  const head = fc.constantFrom(hex("16fefd0000000000000000"), hex("19fefd0001000000000000"), hex(""));
  const piece = fc.tuple(head, fc.uint8Array({ maxLength: 40 })).map((parts) => Buffer.concat(parts));
  const datagram = fc.array(piece, { maxLength: 6 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(datagram, fc.nat({ max: 20 }), (bytes, cidLength) => {
      const { records, fault } = parseDatagram(bytes, cidLength);
      const size = ({ fragment, cid }: (typeof records)[number]): number => 13 + cid.length + fragment.length;
      const read = records.reduce((sum, record) => sum + size(record), 0);
      assert.ok(fault === undefined ? read === bytes.length : read <= bytes.length);
    }),
  );
});

test("what is written in the clear is read again, numbered", () => {
  const writer = new PlaintextWriter(2 ** 33);
  const bytes = Buffer.concat([writer.write(CONTENT.handshake, hex("aabb")), writer.write(CONTENT.alert, hex("0228"))]);
  assert.deepEqual(
    parseDatagram(bytes, 8).records.map(({ type, epoch, sequence, fragment }) => [
      type,
      epoch,
      sequence,
      plain(fragment),
    ]),
    [
      [22, 0, 2 ** 33, "aabb"],
      [21, 0, 2 ** 33 + 1, "0228"],
    ],
  );
});

test("numbers end", () => {
  const writer = new PlaintextWriter(2 ** 48 - 2);
  assert.equal(writer.exhausted, true);
  writer.write(CONTENT.alert, hex("0100"));
  writer.write(CONTENT.alert, hex("0100"));
  assert.throws(() => writer.write(CONTENT.alert, hex("0100")), RangeError);
});
