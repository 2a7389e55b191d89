import type { Qos } from "../core/message.js";
import type { PublishProperties } from "../protocols/mqtt/index.js";

/** What a receiver gets of the properties with which a message was published (MQTT 5 3.3.2.3). */
export type ForwardedProperties = Omit<
  PublishProperties,
  "topicAlias" | "subscriptionIdentifiers" | "messageExpiryInterval"
>;

/**
 * A message on its way through the broker. Its names are those of aedes' packets, since aedes routes it: a PublishPacket of
 * aedes is one.
 */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Who published it, for No Local (MQTT 5 3.8.3.1). Undefined for the gateway itself. */
  readonly clientId?: string | undefined;
  readonly properties?: ForwardedProperties | undefined;
  /** When it expires, ms since the Unix epoch; undefined: never. */
  readonly messageExpiry?: number | undefined;
}

/** Parts of a chunk that are kept pin all of it: smaller ones than this part of theirs are copied. */
const FAIR_PART = 0.5;

/** So that it may be kept: a small payload must not keep the whole chunk that it came in. Changes it in place: it is the same message. */
export function detach(publication: Publication): Publication {
  const { payload } = publication;
  if (payload.length >= payload.buffer.byteLength * FAIR_PART) return publication;
  const own: { payload: Uint8Array } = publication as { payload: Uint8Array };
  own.payload = new Uint8Array(payload);
  return publication;
}

/** What it counts for where messages wait, in bytes. */
export function weightOf({ topic, payload, properties }: Publication): number {
  const more = properties === undefined ? 0 : weightOfProperties(properties);
  return topic.length + payload.length + more + OVERHEAD;
}

function weightOfProperties({
  contentType = "",
  responseTopic = "",
  correlationData,
  userProperties = [],
}: ForwardedProperties): number {
  let weight = OVERHEAD + contentType.length + responseTopic.length + (correlationData?.length ?? 0);
  for (const [name, value] of userProperties) weight += OVERHEAD + name.length + value.length;
  return weight;
}

const OVERHEAD = 128;
