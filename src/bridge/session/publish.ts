import type { Qos } from "../../core/message.js";
import type { PacketWriter, PublishProperties } from "../../protocols/mqtt/index.js";
import type { Abilities } from "./abilities.js";
import type { TopicAliases } from "./aliases.js";
import type { Exchange, Parcel } from "./parcel.js";

/** The user property of MQTT 5 that holds a message's id. */
export const ID_PROPERTY = "weir-id";

export interface PublishContext {
  readonly abilities: Abilities;
  readonly aliases: TopicAliases;
  /** The id that goes as a user property; undefined where none does. */
  readonly idOf: ((parcel: Parcel) => string) | undefined;
  /** ms since the Unix epoch. */
  readonly now: number;
}

/** Bytes that a PUBLISH has beside topic and payload: fixed header, topic length, packet id, and ample for properties. */
const OVERHEAD = 5 + 2 + 2 + 128;

/** Whether the upstream takes a packet of that size (MQTT 5 3.2.2.3.6). */
export function fitsPacket({ message }: Parcel, { maximumPacketSize }: Abilities): boolean {
  return Buffer.byteLength(message.topic) + message.payload.length + OVERHEAD <= maximumPacketSize;
}

/** Writes a parcel at QoS 0. */
export function publishOnce(writer: PacketWriter, parcel: Parcel, context: PublishContext): void {
  writer.publish({ ...fieldsOf(parcel, context), qos: 0, dup: false });
}

/** Writes an exchange's PUBLISH, with DUP where the upstream may have seen it (MQTT-3.3.1-1). */
export function publishExchange(writer: PacketWriter, exchange: Exchange, context: PublishContext): void {
  const { packetId, qos, sent, parcel } = exchange;
  const { version, retain: retains } = context.abilities;
  if (version === 5) {
    writer.publish({ ...fieldsOf(parcel, context), qos, packetId, dup: sent });
    return;
  }
  // Most of what a gateway does: spreading objects here took a twentieth of its time.
  const { topic, payload, retain } = parcel.message;
  writer.publish({ topic, payload, retain: retain && retains, qos, packetId, dup: sent });
}

function fieldsOf(parcel: Parcel, context: PublishContext) {
  const { topic, payload, retain } = parcel.message;
  const common = { topic, payload, retain: retain && context.abilities.retain };
  if (context.abilities.version === 4) return common;
  const alias = context.aliases.next(topic);
  const properties = propertiesOf(parcel, alias?.alias, context);
  return { ...common, ...(alias?.known ? { topic: "" } : {}), ...(properties ? { properties } : {}) };
}

function propertiesOf(parcel: Parcel, topicAlias: number | undefined, { idOf, now }: PublishContext) {
  const { expires } = parcel;
  const [entry] = parcel.entries;
  if (topicAlias === undefined && expires === undefined && idOf === undefined) return undefined;
  const properties: PublishProperties = {
    ...(topicAlias === undefined ? {} : { topicAlias }),
    ...(expires === undefined ? {} : { messageExpiryInterval: remaining(expires, entry?.appended ?? now, now) }),
    ...(idOf === undefined ? {} : { userProperties: [[ID_PROPERTY, idOf(parcel)]] }),
  };
  return properties;
}

/** Seconds, and never 0: it would be gone before it is delivered. No more than it had at first, whatever the clock did since. */
function remaining(expires: number, appended: number, now: number): number {
  return Math.max(1, Math.ceil(Math.min(expires - now, expires - appended) / 1000));
}

/** The QoS at which this upstream can take it. */
export function capped(qos: Qos, { maximumQos }: Abilities): Qos {
  return qos > maximumQos ? maximumQos : qos;
}
