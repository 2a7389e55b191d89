import type { Qos } from "../../core/message.js";
import type { ConnackPacket } from "../../protocols/mqtt/index.js";

/** What an upstream can do. */
export interface Abilities {
  readonly version: 4 | 5;
  readonly maximumQos: Qos;
  readonly retain: boolean;
  /** Bytes. */
  readonly maximumPacketSize: number;
  readonly receiveMaximum: number | undefined;
  readonly topicAliases: number;
}

/** The largest packet there can be (MQTT 3.1.1 2.2.3). */
const LARGEST = 268_435_455 + 5;

/** What CONNACK says; MQTT 3.1.1 has no words for it, so that `maximumQos` is what a probe found. */
export function abilitiesOf(version: 4 | 5, { properties }: ConnackPacket, maximumQos: Qos): Abilities {
  return {
    version,
    maximumQos: properties?.maximumQos ?? maximumQos,
    retain: properties?.retainAvailable ?? true,
    maximumPacketSize: properties?.maximumPacketSize ?? LARGEST,
    receiveMaximum: properties?.receiveMaximum,
    topicAliases: properties?.topicAliasMaximum ?? 0,
  };
}

/** What it cannot do that one might expect, for people. */
export function shortcomings({ maximumQos, retain }: Abilities): string[] {
  return [
    ...(maximumQos === 1 ? ["QoS 2 goes as QoS 1, so that messages may come twice (see messageId)"] : []),
    ...(maximumQos === 0 ? ["everything goes as QoS 0, so that messages may be lost"] : []),
    ...(retain ? [] : ["retained messages go without being retained"]),
  ];
}
