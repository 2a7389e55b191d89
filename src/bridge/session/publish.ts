import type { Qos } from "../../core/message.js";
import { type PacketWriter, type PublishProperties, textFault, topicNameFault } from "../../protocols/mqtt/index.js";
import type { Abilities } from "./abilities.js";
import type { TopicAliases } from "./aliases.js";
import { type Exchange, type Parcel, sizeOfParcel } from "./parcel.js";

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

/** Bytes that a PUBLISH has at most beside topic, payload and user property: fixed header, topic length, packet id. */
const OVERHEAD = 5 + 2 + 2;
/** And in MQTT 5: the length of properties, a topic alias, an expiry interval, and what a user property has beside its texts. */
const OVERHEAD_5 = OVERHEAD + 4 + 3 + 5 + 5;

/** Why the upstream can never take it, or undefined: too large (MQTT 5 3.2.2.3.6), or no PUBLISH at all. */
export function unsendable(parcel: Parcel, { abilities, idOf }: PublishContext): string | undefined {
  const { topic } = parcel.message;
  const fault = textFault(topic) ?? topicNameFault(topic);
  if (fault !== undefined) return `its topic cannot be sent: ${fault}`;
  if (Buffer.byteLength(topic) > LONGEST_TOPIC) return "its topic is longer than a topic can be";
  const id = idOf === undefined ? 0 : ID_PROPERTY.length + Buffer.byteLength(idOf(parcel));
  const size = sizeOfParcel(parcel) + id + (abilities.version === 5 ? OVERHEAD_5 : OVERHEAD);
  return size > abilities.maximumPacketSize ? "it is larger than the upstream takes" : undefined;
}

const LONGEST_TOPIC = 65_535; // bytes

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
