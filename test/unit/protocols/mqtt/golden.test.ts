import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet, ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";
import { bytesOf, decode, encode } from "./bytes.js";

/** Bytes put together by hand, from the examples of the standards where they have one; the clause says which. */
const GOLDEN: readonly (readonly [clause: string, ProtocolVersion, Packet, bytes: string])[] = [
  [
    "MQTT 3.1.1 3.1.2, its example: will at QoS 1, user name, password, clean session, keep alive 10 s",
    4,
    {
      kind: "connect",
      version: 4,
      cleanStart: true,
      keepAlive: 10,
      clientId: "c",
      will: { topic: "w", payload: bytesOf("01"), qos: 1, retain: false },
      username: "u",
      password: bytesOf("'p'"),
    },
    "10 19 0004'MQTT' 04 CE 000A 0001'c' 0001'w' 0001 01 0001'u' 0001'p'",
  ],
  [
    "MQTT 3.1 3.1",
    3,
    { kind: "connect", version: 3, cleanStart: true, keepAlive: 10, clientId: "c" },
    "10 0F 0006'MQIsdp' 03 02 000A 0001'c'",
  ],
  [
    "MQTT 5 3.1.2, its example: session expiry 10 s",
    5,
    {
      kind: "connect",
      version: 5,
      cleanStart: true,
      keepAlive: 10,
      clientId: "c",
      will: { topic: "w", payload: bytesOf("01"), qos: 1, retain: false },
      username: "u",
      password: bytesOf("'p'"),
      properties: { sessionExpiryInterval: 10 },
    },
    "10 20 0004'MQTT' 05 CE 000A 05 11 0000000A 0001'c' 00 0001'w' 0001 01 0001'u' 0001'p'",
  ],
  ["MQTT 3.1.1 3.2", 4, { kind: "connack", sessionPresent: true, reasonCode: 0 }, "20 02 01 00"],
  [
    "MQTT 5 3.2: receive maximum 20, maximum QoS 1",
    5,
    { kind: "connack", sessionPresent: false, reasonCode: 0, properties: { receiveMaximum: 20, maximumQos: 1 } },
    "20 08 00 00 05 21 0014 24 01",
  ],
  [
    "MQTT 3.1.1 3.3.2, its example: topic a/b, packet id 10",
    4,
    { kind: "publish", topic: "a/b", payload: bytesOf("'x'"), qos: 1, retain: true, dup: true, packetId: 10 },
    "3B 08 0003'a/b' 000A 'x'",
  ],
  [
    "MQTT 3.1.1 3.3.1 at QoS 0, without a payload",
    4,
    { kind: "publish", topic: "a/b", payload: bytesOf(""), qos: 0, retain: false, dup: false },
    "30 05 0003'a/b'",
  ],
  [
    "MQTT 5 3.3.2, its example: topic a/b, packet id 10, no properties",
    5,
    { kind: "publish", topic: "a/b", payload: bytesOf("'x'"), qos: 2, retain: false, dup: false, packetId: 10 },
    "34 09 0003'a/b' 000A 00 'x'",
  ],
  [
    "MQTT 5 3.3.2.3: an alias in place of the topic, and two user properties of one name",
    5,
    {
      kind: "publish",
      topic: "",
      payload: bytesOf("'x'"),
      qos: 0,
      retain: false,
      dup: false,
      properties: {
        topicAlias: 1,
        userProperties: [
          ["k", "1"],
          ["k", "2"],
        ],
      },
    },
    "30 15 0000 11 23 0001 26 0001'k' 0001'1' 26 0001'k' 0001'2' 'x'",
  ],
  [
    "MQTT 3.1.1 1.5.3, its example: A and U+2A6D4 in UTF-8",
    4,
    { kind: "publish", topic: "A\u{2A6D4}", payload: bytesOf(""), qos: 0, retain: false, dup: false },
    "30 07 0005 41 F0AA9B94",
  ],
  ["MQTT 3.1.1 3.4", 4, { kind: "puback", packetId: 0x1234, reasonCode: 0 }, "40 02 1234"],
  ["MQTT 5 3.4.2.1: reason code 0 left out", 5, { kind: "puback", packetId: 1, reasonCode: 0 }, "40 02 0001"],
  ["MQTT 5 3.4.2.1", 5, { kind: "pubrec", packetId: 1, reasonCode: 0x10 }, "50 03 0001 10"],
  ["MQTT 3.1.1 3.6", 4, { kind: "pubrel", packetId: 1, reasonCode: 0 }, "62 02 0001"],
  [
    "MQTT 5 3.7.2",
    5,
    { kind: "pubcomp", packetId: 1, reasonCode: 0x92, properties: { reasonString: "no" } },
    "70 09 0001 92 05 1F 0002'no'",
  ],
  [
    "MQTT 3.1.1 3.8.3, its example: a/b at QoS 1, c/d at QoS 2",
    4,
    {
      kind: "subscribe",
      packetId: 10,
      subscriptions: [
        { filter: "a/b", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        { filter: "c/d", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
    },
    "82 0E 000A 0003'a/b' 01 0003'c/d' 02",
  ],
  [
    "MQTT 5 3.8: all options, subscription identifier 200",
    5,
    {
      kind: "subscribe",
      packetId: 10,
      subscriptions: [{ filter: "a/b", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      properties: { subscriptionIdentifier: 200 },
    },
    "82 0C 000A 03 0B C801 0003'a/b' 2D",
  ],
  [
    "MQTT 3.1.1 3.9.3, its example: QoS 0, QoS 2, failure",
    4,
    { kind: "suback", packetId: 1, reasonCodes: [0, 2, 0x80] },
    "90 05 0001 00 02 80",
  ],
  [
    "MQTT 3.1.1 3.10.3, its example: a/b, c/d",
    4,
    { kind: "unsubscribe", packetId: 10, filters: ["a/b", "c/d"] },
    "A2 0C 000A 0003'a/b' 0003'c/d'",
  ],
  ["MQTT 3.1.1 3.11", 4, { kind: "unsuback", packetId: 1, reasonCodes: [] }, "B0 02 0001"],
  ["MQTT 5 3.11", 5, { kind: "unsuback", packetId: 1, reasonCodes: [0, 0x11] }, "B0 05 0001 00 00 11"],
  ["MQTT 3.1.1 3.12", 4, { kind: "pingreq" }, "C0 00"],
  ["MQTT 3.1.1 3.13", 4, { kind: "pingresp" }, "D0 00"],
  ["MQTT 3.1.1 3.14", 4, { kind: "disconnect", reasonCode: 0 }, "E0 00"],
  ["MQTT 5 3.14.2.1: reason code 0 left out", 5, { kind: "disconnect", reasonCode: 0 }, "E0 00"],
  ["MQTT 5 3.14: with the will", 5, { kind: "disconnect", reasonCode: 4 }, "E0 01 04"],
  ["MQTT 5 3.15.2.1: reason code 0 left out", 5, { kind: "auth", reasonCode: 0 }, "F0 00"],
  [
    "MQTT 5 3.15",
    5,
    { kind: "auth", reasonCode: 0x18, properties: { authenticationMethod: "m", authenticationData: bytesOf("FF") } },
    "F0 0A 18 08 15 0001'm' 16 0001 FF",
  ],
];

for (const [clause, version, packet, written] of GOLDEN) {
  test(`${packet.kind} of version ${version}: ${clause}`, () => {
    const bytes = bytesOf(written);
    assert.equal(Buffer.from(encode(version, packet)).toString("hex"), Buffer.from(bytes).toString("hex"));
    assert.deepEqual(decode(version, bytes), [packet]);
  });
}

/** MQTT 3.1.1 table 2.4: where the remaining length grows by a byte. */
const LENGTHS: readonly (readonly [remaining: number, bytes: string])[] = [
  [127, "7F"],
  [128, "8001"],
  [16_383, "FF7F"],
  [16_384, "808001"],
  [2_097_151, "FFFF7F"],
  [2_097_152, "80808001"],
];

for (const [remaining, written] of LENGTHS) {
  test(`a remaining length of ${remaining} is ${written}`, () => {
    const payload = new Uint8Array(remaining - 3).fill(7);
    const packet: Packet = { kind: "publish", topic: "a", payload, qos: 0, retain: false, dup: false };
    const bytes = encode(4, packet);
    const head = bytesOf(`30 ${written}`);
    assert.deepEqual(bytes.subarray(0, head.length), head);
    assert.equal(bytes.length, head.length + remaining);
  });
}

test("what may be written in two ways is read in both", () => {
  assert.deepEqual(decode(5, bytesOf("40 03 0001 00")), [{ kind: "puback", packetId: 1, reasonCode: 0 }]);
  assert.deepEqual(decode(5, bytesOf("40 04 0001 00 00")), [{ kind: "puback", packetId: 1, reasonCode: 0 }]);
  assert.deepEqual(decode(5, bytesOf("E0 02 00 00")), [{ kind: "disconnect", reasonCode: 0 }]);
  assert.deepEqual(decode(5, bytesOf("F0 02 00 00")), [{ kind: "auth", reasonCode: 0 }]);
  // MQTT 3.1.1 2.2.3 does not ask for the shortest form of a remaining length; MQTT 5 does.
  assert.deepEqual(decode(4, bytesOf("C0 80 00")), [{ kind: "pingreq" }]);
});

test("MQTT 3.1 sets DUP in what is sent again (MQTT 3.1 2.1)", () => {
  assert.deepEqual(decode(3, bytesOf("6A 02 0001")), [{ kind: "pubrel", packetId: 1, reasonCode: 0 }]);
  assert.deepEqual(decode(3, bytesOf("AA 05 0001 0001'a'")), [{ kind: "unsubscribe", packetId: 1, filters: ["a"] }]);
});
