import type { ProtocolVersion, PublishFields, PublishProperties } from "../../protocols/mqtt/index.js";
import { PacketWriter } from "../../protocols/mqtt/index.js";
import type { Publication } from "../publication.js";
import type { HowSent } from "../session/delivery.js";
import type { OutgoingAliases } from "./aliases.js";

/** The PUBLISH with which a message goes out to a client. */
export function publishFields(
  version: ProtocolVersion,
  publication: Publication,
  how: HowSent,
  aliases: OutgoingAliases | undefined,
  now: () => number,
): PublishFields {
  const { payload } = publication;
  const { qos, retain, packetId, dup } = how;
  if (version !== 5) {
    const { topic } = publication;
    return qos === 0 ? { topic, payload, qos, retain, dup: false } : { topic, payload, qos, retain, dup, packetId };
  }
  const { topic, properties } = withProperties(publication, how, aliases, now);
  if (properties === undefined)
    return qos === 0 ? { topic, payload, qos, retain, dup: false } : { topic, payload, qos, retain, dup, packetId };
  return qos === 0
    ? { topic, payload, qos, retain, dup: false, properties }
    : { topic, payload, qos, retain, dup, packetId, properties };
}

function withProperties(
  { topic, properties, messageExpiry }: Publication,
  { identifiers }: HowSent,
  aliases: OutgoingAliases | undefined,
  now: () => number,
): { topic: string; properties: PublishProperties | undefined } {
  const alias = aliases?.of(topic);
  if (identifiers === undefined && properties === undefined && messageExpiry === undefined && alias === undefined)
    return { topic, properties: undefined };
  return {
    topic: alias?.known === true ? "" : topic,
    properties: {
      ...(identifiers === undefined ? {} : { subscriptionIdentifiers: identifiers }),
      ...properties,
      ...(alias === undefined ? {} : { topicAlias: alias.alias }),
      // What is left of its life (MQTT-3.3.2-6): whole seconds that have passed are taken off.
      ...(messageExpiry === undefined
        ? {}
        : { messageExpiryInterval: Math.max(1, Math.ceil((messageExpiry - now()) / 1000)) }),
    },
  };
}

const MEASURE = new PacketWriter(5);

/** Bytes of the whole packet for a client of MQTT 5. */
export function publishSize(fields: PublishFields): number {
  MEASURE.publish(fields);
  const size = MEASURE.length;
  MEASURE.take();
  return size;
}
