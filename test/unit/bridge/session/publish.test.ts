import assert from "node:assert/strict";
import { test } from "node:test";
import { abilitiesOf } from "../../../../src/bridge/session/abilities.js";
import { TopicAliases } from "../../../../src/bridge/session/aliases.js";
import type { Parcel } from "../../../../src/bridge/session/parcel.js";
import { ID_PROPERTY, publishOnce, unsendable } from "../../../../src/bridge/session/publish.js";
import {
  type ConnackProperties,
  PacketReader,
  PacketWriter,
  type PublishPacket,
} from "../../../../src/protocols/mqtt/index.js";
import { parcelOf } from "./pure.js";

function context(
  version: 4 | 5,
  { aliases = 0, id = undefined as string | undefined, now = 0, ...properties }: Sizes = {},
) {
  const connack = { kind: "connack", sessionPresent: false, reasonCode: 0, properties } as const;
  const idOf = id === undefined ? undefined : () => id;
  return { abilities: abilitiesOf(version, connack, 2), aliases: new TopicAliases(aliases), idOf, now };
}

type Sizes = ConnackProperties & { aliases?: number; id?: string | undefined; now?: number };

function written(parcel: Parcel, on: ReturnType<typeof context>): { packet: PublishPacket; bytes: number } {
  const writer = new PacketWriter(on.abilities.version);
  publishOnce(writer, parcel, on);
  const bytes = Buffer.concat(writer.take());
  let packet: PublishPacket | undefined;
  new PacketReader({
    version: on.abilities.version,
    maxPacketBytes: 1e6,
    receive: (each) => {
      if (each.kind === "publish") packet = each;
    },
  }).push(bytes);
  return { packet: packet ?? assert.fail("none was written"), bytes: bytes.length };
}

const expiring = (appended: number, expires: number): Parcel => {
  const parcel = parcelOf(7, 0);
  return { ...parcel, expires, entries: parcel.entries.map((entry) => ({ ...entry, appended })) };
};

test("MQTT 3.1.1 has no properties, MQTT 5 only those that say something", () => {
  assert.equal(written(expiring(0, 60_000), context(4, { id: "x", aliases: 9 })).packet.properties, undefined);
  assert.equal(written(parcelOf(7, 0), context(5)).packet.properties, undefined);
  const { packet } = written(expiring(0, 60_000), context(5, { id: "g:1:7", now: 20_000 }));
  assert.deepEqual(packet.properties, { messageExpiryInterval: 40, userProperties: [[ID_PROPERTY, "g:1:7"]] });
});

test("what is left of a life is never 0, and never more than it was", () => {
  const left = (now: number) =>
    written(expiring(1_000, 61_000), context(5, { now })).packet.properties?.messageExpiryInterval;
  assert.deepEqual([left(1_000), left(60_500), left(70_000), left(0), left(-1e9)], [60, 1, 1, 60, 60]);
});

test("an alias stands for its topic from the second time on", () => {
  const on = context(5, { aliases: 1 });
  const [first, second] = [written(parcelOf(7, 0), on).packet, written(parcelOf(8, 0), on).packet];
  assert.deepEqual([first.topic, first.properties], ["a", { topicAlias: 1 }]);
  assert.deepEqual([second.topic, second.properties], ["", { topicAlias: 1 }]);
});

test("what a server says it takes is sent up to that size, and never beyond it", () => {
  const parcel = { ...expiring(0, 60_000), message: { ...parcelOf(7).message, payload: Buffer.alloc(1_000) } };
  const full = context(5, { aliases: 9, id: "gateway:1:7" });
  const { bytes } = written(parcel, full);
  for (let room = 0; room < 40; room++) {
    const limited = context(5, { aliases: 9, id: "gateway:1:7", maximumPacketSize: bytes - 1 - room });
    assert.match(unsendable(parcel, limited) ?? "", /larger/);
  }
  assert.equal(unsendable(parcel, context(5, { id: "gateway:1:7", maximumPacketSize: bytes + 20 })), undefined);
});
