import assert from "node:assert/strict";
import { test } from "node:test";
import { OutgoingAliases } from "../../../../src/broker/connection/aliases.js";
import { publishFields, publishSize } from "../../../../src/broker/connection/publish-packet.js";
import type { Publication } from "../../../../src/broker/publication.js";
import { PacketWriter } from "../../../../src/protocols/mqtt/index.js";

const publication: Publication = {
  ...{ topic: "a", payload: Buffer.from("x"), qos: 1, retain: false },
  properties: { contentType: "t", userProperties: [["k", "v"]] },
  messageExpiry: 10_000,
};
const how = { qos: 1, retain: false, identifiers: [2, 3], packetId: 7, dup: true } as const;

test("before MQTT 5 there are no properties", () => {
  for (const version of [3, 4] as const) {
    const fields = publishFields(version, publication, how, undefined, () => 0);
    assert.equal(fields.properties, undefined);
    assert.deepEqual([fields.topic, fields.dup], ["a", true]);
  }
});

test("MQTT 5: identifiers first, then the publisher's, then the alias, and what is left of its life last", () => {
  const { properties } = publishFields(5, publication, how, new OutgoingAliases(1), () => 0);
  assert.deepEqual(Object.entries(properties ?? {}), [
    ["subscriptionIdentifiers", [2, 3]],
    ["contentType", "t"],
    ["userProperties", [["k", "v"]]],
    ["topicAlias", 1],
    ["messageExpiryInterval", 10],
  ]);
});

test("whole seconds that have passed are taken off its life, and something is left", () => {
  for (const [now, left] of [
    [0, 10],
    [999, 10],
    [1_000, 9],
    [9_999, 1],
    [10_000, 1],
    [99_000, 1],
  ] as const)
    assert.equal(publishFields(5, publication, how, undefined, () => now).properties?.messageExpiryInterval, left);
});

test("DUP is never set at QoS 0, and the topic goes once where it has an alias", () => {
  const aliases = new OutgoingAliases(1);
  const plain = { topic: "a", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  const [first, second] = [0, 1].map(() =>
    publishFields(5, plain, { ...how, qos: 0, identifiers: undefined }, aliases, () => 0),
  );
  assert.deepEqual([first?.topic, first?.dup, second?.topic], ["a", false, ""]);
});

test("the size is that of the packet as it is written", () => {
  for (const length of [0, 1, 100, 127, 128, 20_000]) {
    const fields = publishFields(5, { ...publication, payload: Buffer.alloc(length) }, how, undefined, () => 0);
    const writer = new PacketWriter(5);
    writer.publish(fields);
    assert.equal(publishSize(fields), writer.length);
  }
});
