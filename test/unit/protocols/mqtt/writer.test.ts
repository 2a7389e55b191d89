import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  LARGE_PAYLOAD,
  type Packet,
  PacketWriter,
  type ProtocolVersion,
  type PublishFields,
} from "../../../../src/protocols/mqtt/index.js";
import { packetOf } from "./arbitraries.js";
import { bytesOf, decode, encode } from "./bytes.js";

const publish = (some: Partial<PublishFields & { packetId: number }> = {}): PublishFields =>
  ({ topic: "a", payload: bytesOf("'x'"), qos: 1, retain: false, dup: false, packetId: 1, ...some }) as PublishFields;

test("what was taken is whole packets, in order, and never changes", () => {
  const batches = fc.array(fc.array(packetOf(5), { maxLength: 30 }), { maxLength: 20 });
  fc.assert(
    fc.property(batches, (all) => {
      const writer = new PacketWriter(5);
      const taken: Uint8Array[][] = [];
      const copies: Uint8Array[] = [];
      for (const batch of all) {
        for (const packet of batch) writer.write(packet);
        const { length } = writer;
        const chunks = writer.take();
        assert.equal(length, Buffer.concat(chunks).length);
        assert.equal(writer.length, 0);
        taken.push(chunks);
        copies.push(new Uint8Array(Buffer.concat(chunks)));
      }
      taken.forEach((chunks, index) => {
        assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), copies[index]);
        assert.deepEqual(decode(5, ...chunks), all[index]);
      });
    }),
    { numRuns: 50 },
  );
});

test("many small packets come in few chunks, and nothing in none", () => {
  const writer = new PacketWriter(4);
  assert.deepEqual(writer.take(), []);
  for (let id = 1; id <= 60_000; id++) writer.ack("puback", id);
  const first = writer.take();
  assert.ok(first.length < 20, `${first.length} chunks`);
  const ids = decode(4, ...first).map((packet) => ("packetId" in packet ? packet.packetId : 0));
  assert.deepEqual(
    ids,
    Array.from({ length: 60_000 }, (_, index) => index + 1),
  );
  for (let id = 1; id <= 1000; id++) writer.ack("pubrel", id);
  assert.ok(writer.take().length <= 2);
});

test("a large payload is given out as it is, one byte less is copied", () => {
  const large = new Uint8Array(LARGE_PAYLOAD).fill(1);
  const small = new Uint8Array(LARGE_PAYLOAD - 1).fill(2);
  const writer = new PacketWriter(4);
  writer.publish(publish({ payload: small }));
  writer.publish(publish({ payload: large }));
  writer.publish(publish({ payload: small }));
  const chunks = writer.take();
  assert.ok(chunks.includes(large));
  assert.ok(chunks.every((chunk) => chunk === large || chunk.buffer !== small.buffer));
  const payloads = decode(4, ...chunks).map((packet) => (packet.kind === "publish" ? packet.payload : large));
  assert.deepEqual(payloads, [small, large, small]);
});

test("ack writes what write does", () => {
  for (const kind of ["puback", "pubrec", "pubrel", "pubcomp"] as const) {
    for (const reasonCode of [0, kind === "puback" || kind === "pubrec" ? 0x10 : 0x92]) {
      const writer = new PacketWriter(5);
      writer.ack(kind, 7, reasonCode);
      assert.deepEqual(new Uint8Array(Buffer.concat(writer.take())), encode(5, { kind, packetId: 7, reasonCode }));
    }
  }
});

const long = "x".repeat(65_536);
const subscription = { filter: "a", qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
const connect = { kind: "connect", version: 4, cleanStart: true, keepAlive: 0, clientId: "" } as const;
/** What cannot be written; the types keep most callers from the rest. */
const REFUSED: readonly (readonly [what: string, ProtocolVersion, Packet | (PublishFields & { kind: "publish" })])[] = [
  ["a topic of 65,536 bytes", 4, { kind: "publish", ...publish({ topic: long }) }],
  ["a topic of 65,536 bytes that is not ASCII", 4, { kind: "publish", ...publish({ topic: "é".repeat(32_768) }) }],
  ["an empty topic", 4, { kind: "publish", ...publish({ topic: "" }) }],
  ["an empty topic without an alias", 5, { kind: "publish", ...publish({ topic: "" }) }],
  ["a wildcard in a topic", 4, { kind: "publish", ...publish({ topic: "a/#" }) }],
  ["a wildcard in a topic that is not ASCII", 4, { kind: "publish", ...publish({ topic: "é/+" }) }],
  ["U+0000 in a topic", 4, { kind: "publish", ...publish({ topic: "a\0" }) }],
  ["a lone surrogate in a topic", 4, { kind: "publish", ...publish({ topic: "a\ud800" }) }],
  [
    "a packet of more than 268,435,455 bytes",
    4,
    { kind: "publish", ...publish({ payload: new Uint8Array(268_435_455) }) },
  ],
  ["packet id 0", 4, { kind: "publish", ...publish({ packetId: 0 }) }],
  ["packet id 65,536", 4, { kind: "publish", ...publish({ packetId: 65_536 }) }],
  ["packet id 1.5", 4, { kind: "publish", ...publish({ packetId: 1.5 }) }],
  ["QoS 3", 4, { kind: "publish", ...publish({ qos: 3 as 2 }) }],
  ["DUP at QoS 0", 4, { kind: "publish", ...publish({ qos: 0, dup: true }) }],
  ["properties before MQTT 5", 4, { kind: "publish", ...publish({ properties: { topicAlias: 1 } }) }],
  ["topic alias 0", 5, { kind: "publish", ...publish({ properties: { topicAlias: 0 } }) }],
  ["a property of another packet", 5, { kind: "publish", ...publish({ properties: { receiveMaximum: 1 } as object }) }],
  ["an expiry below 0", 5, { kind: "publish", ...publish({ properties: { messageExpiryInterval: -1 } }) }],
  ["a content type too long", 5, { kind: "publish", ...publish({ properties: { contentType: long } }) }],
  ["a wildcard in a response topic", 5, { kind: "publish", ...publish({ properties: { responseTopic: "+" } }) }],
  ["an ack with packet id 0", 4, { kind: "puback", packetId: 0, reasonCode: 0 }],
  ["an ack with a reason before MQTT 5", 4, { kind: "puback", packetId: 1, reasonCode: 0x10 }],
  ["an ack with another's reason", 5, { kind: "pubrel", packetId: 1, reasonCode: 0x10 }],
  ["an ack with properties before MQTT 5", 4, { kind: "puback", packetId: 1, reasonCode: 0, properties: {} }],
  ["a password without a user name", 4, { ...connect, password: bytesOf("00") }],
  ["properties in a CONNECT before MQTT 5", 4, { ...connect, properties: { receiveMaximum: 1 } }],
  ["keep alive 65,536", 4, { ...connect, keepAlive: 65_536 }],
  ["authentication data alone", 5, { ...connect, version: 5, properties: { authenticationData: bytesOf("00") } }],
  [
    "a will payload too long",
    4,
    { ...connect, will: { topic: "a", payload: Buffer.alloc(65_536), qos: 0, retain: false } },
  ],
  ["a wildcard in a will topic", 4, { ...connect, will: { topic: "#", payload: bytesOf(""), qos: 0, retain: false } }],
  ["a session present in a refusal", 4, { kind: "connack", sessionPresent: true, reasonCode: 5 }],
  ["a session present in MQTT 3.1", 3, { kind: "connack", sessionPresent: true, reasonCode: 0 }],
  ["no subscription", 4, { kind: "subscribe", packetId: 1, subscriptions: [] }],
  ["a bad filter", 4, { kind: "subscribe", packetId: 1, subscriptions: [{ ...subscription, filter: "a#" }] }],
  ["options before MQTT 5", 4, { kind: "subscribe", packetId: 1, subscriptions: [{ ...subscription, noLocal: true }] }],
  ["no filter", 4, { kind: "unsubscribe", packetId: 1, filters: [] }],
  ["no code in SUBACK", 4, { kind: "suback", packetId: 1, reasonCodes: [] }],
  ["codes in UNSUBACK before MQTT 5", 4, { kind: "unsuback", packetId: 1, reasonCodes: [0] }],
  ["AUTH before MQTT 5", 4, { kind: "auth", reasonCode: 0 }],
];

for (const [what, version, packet] of REFUSED) {
  test(`not written in version ${version}: ${what}`, () => {
    const writer = new PacketWriter(version);
    writer.write({ kind: "pingreq" });
    assert.throws(() => writer.write(packet), RangeError);
    writer.write({ kind: "pingresp" });
    // Nothing of it is left behind.
    assert.deepEqual(Buffer.concat(writer.take()).toString("hex"), "c000d000");
  });
}
