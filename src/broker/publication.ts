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
