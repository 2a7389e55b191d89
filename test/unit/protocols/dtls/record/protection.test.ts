import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { SUITES, type Suite, suiteOf } from "../../../../../src/protocols/dtls/crypto/suites.js";
import { MAX_BLOCKS, type Opened, Opener, Sealer } from "../../../../../src/protocols/dtls/record/protection.js";
import {
  CONTENT,
  MAX_PLAINTEXT,
  parseDatagram,
  type WireRecord,
} from "../../../../../src/protocols/dtls/record/record.js";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const keysOf = ({ keyLength }: Suite) => ({ key: Buffer.alloc(keyLength, 7), iv: hex("a1a2a3a4") });
const NONE = new Uint8Array(0);
const CID = hex("c1c2c3");
const data = Buffer.from("21.5 Cel");

function suite(id: number): Suite {
  const found = suiteOf(id);
  assert.ok(found);
  return found;
}

function only(bytes: Uint8Array, cid: Uint8Array): WireRecord {
  const { records, fault } = parseDatagram(bytes, cid.length);
  const [record] = records;
  assert.ok(record !== undefined && records.length === 1 && fault === undefined);
  return record;
}

function pair(of: Suite, cid: Uint8Array = NONE): { sealer: Sealer; opener: Opener } {
  return { sealer: new Sealer(of, keysOf(of), 1, cid), opener: new Opener(of, keysOf(of), 1, cid) };
}

const reason = (opened: Opened): string | undefined => (opened.ok ? undefined : opened.reason);

for (const cid of [NONE, CID]) {
  for (const each of SUITES) {
    test(`${each.name}, a connection id of ${cid.length} bytes: what was sealed is opened`, () => {
      const { sealer, opener } = pair(each, cid);
      for (const plaintext of [data, NONE, Buffer.alloc(16_384, 1)]) {
        const bytes = sealer.write(CONTENT.applicationData, plaintext);
        assert.equal(bytes.length, plaintext.length + sealer.overhead);
        const opened = opener.open(only(bytes, cid));
        assert.ok(opened.ok);
        assert.deepEqual(
          [opened.type, Buffer.from(opened.plaintext), opened.newest],
          [23, Buffer.from(plaintext), true],
        );
      }
      assert.throws(() => sealer.write(CONTENT.applicationData, Buffer.alloc(16_385)), RangeError);
    });

    test(`${each.name}, a connection id of ${cid.length} bytes: every bit counts`, () => {
      const { sealer, opener } = pair(each, cid);
      const bytes = sealer.write(CONTENT.applicationData, data);
      for (let at = 0; at < bytes.length * 8; at++) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8((damaged[at >> 3] ?? 0) ^ (1 << (at & 7)), at >> 3);
        for (const record of parseDatagram(damaged, cid.length).records) {
          // The epoch is whose the opener is: who calls it has looked at it.
          if (record.epoch === 1) assert.equal(opener.open(record).ok, false, `bit ${at}`);
        }
      }
      assert.equal(opener.open(only(bytes, cid)).ok, true);
    });
  }
}

test("RFC 6655 3, RFC 5246 6.2.3.3: nonce and additional data", () => {
  const { sealer } = pair(suite(0xc0a8));
  sealer.write(CONTENT.applicationData, data);
  const record = sealer.write(CONTENT.applicationData, data);
  const cipher = createCipheriv("aes-128-ccm", Buffer.alloc(16, 7), hex("a1a2a3a4 0001 000000000001"), {
    authTagLength: 8,
  });
  cipher.setAAD(hex("0001 000000000001 17 fefd 0008"), { plaintextLength: data.length });
  const body = Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
  assert.deepEqual(record, Buffer.concat([hex("17 fefd 0001 000000000001 0018 0001000000000001"), body]));
});

test("RFC 9146 5.3: additional data with a connection id, the type inside", () => {
  const { sealer, opener } = pair(suite(0x00a8), CID);
  const record = sealer.write(CONTENT.handshake, data);
  const seal = (inner: Buffer, number: string): Buffer => {
    const length = inner.length.toString(16).padStart(4, "0");
    const cipher = createCipheriv("aes-128-gcm", Buffer.alloc(16, 7), hex(`a1a2a3a4 ${number}`));
    cipher.setAAD(hex(`ffffffffffffffff 19 03 19 fefd ${number} c1c2c3 ${length}`));
    const body = Buffer.concat([hex(number), cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
    const size = body.length.toString(16).padStart(4, "0");
    return Buffer.concat([hex(`19 fefd ${number} c1c2c3 ${size}`), body]);
  };
  assert.deepEqual(record, seal(Buffer.concat([data, hex("16")]), "0001000000000000"));
  const padded = opener.open(only(seal(Buffer.concat([data, hex("17 000000")]), "0001000000000009"), CID));
  assert.ok(padded.ok);
  assert.deepEqual([padded.type, Buffer.from(padded.plaintext)], [23, data]);
  assert.equal(reason(opener.open(only(seal(hex("0000"), "000100000000000a"), CID))), "malformed");
});

test("a record is opened once; late ones are not the newest", () => {
  const { sealer, opener } = pair(suite(0xc0a8), CID);
  const [first, second] = [1, 2].map(() => only(sealer.write(CONTENT.applicationData, data), CID));
  assert.ok(first && second);
  const [newer, older] = [opener.open(second), opener.open(first)];
  assert.deepEqual([newer.ok && newer.newest, older.ok && older.newest], [true, false]);
  assert.equal(reason(opener.open(first)), "replayed");
  assert.equal(reason(opener.open(second)), "replayed");
});

test("a forged number does not move the window", () => {
  const { sealer, opener } = pair(suite(0xc0a8));
  const genuine = sealer.write(CONTENT.applicationData, data);
  const forged = Buffer.from(genuine);
  forged.writeUIntBE(2 ** 47, 5, 6);
  assert.equal(reason(opener.open(only(forged, NONE))), "forged");
  assert.equal(opener.open(only(genuine, NONE)).ok, true);
});

test("RFC 9146 3: once there is an id, records without one are not opened", () => {
  const of = suite(0xc0a8);
  const without = new Sealer(of, keysOf(of), 1, NONE);
  const opener = new Opener(of, keysOf(of), 1, CID);
  assert.equal(reason(opener.open(only(without.write(CONTENT.applicationData, data), NONE))), "malformed");
});

test("a key that was used as often as it may be has room for the alert that says so, whatever reached the limit", () => {
  const of = suite(0xc0a8);
  const sealer = new Sealer(of, keysOf(of), 1, CID, MAX_BLOCKS - 1);
  assert.equal(sealer.exhausted, false);
  sealer.write(CONTENT.applicationData, new Uint8Array(MAX_PLAINTEXT));
  assert.equal(sealer.exhausted, true);
  sealer.write(CONTENT.alert, new Uint8Array(2));
});

test("a key that was forgotten opens and seals nothing", () => {
  const of = suite(0xc0a8);
  const [ours, theirs] = [keysOf(of), keysOf(of)];
  const [sealer, opener] = [new Sealer(of, ours, 1, NONE), new Opener(of, theirs, 1, NONE)];
  const record = only(sealer.write(CONTENT.applicationData, data), NONE);
  sealer.forget();
  opener.forget();
  assert.equal(reason(opener.open(record)), "malformed");
  assert.equal(sealer.exhausted, true);
  assert.throws(() => sealer.write(CONTENT.applicationData, data), RangeError);
  for (const { key, iv } of [ours, theirs]) assert.ok([...key, ...iv].every((byte) => byte === 0));
});
