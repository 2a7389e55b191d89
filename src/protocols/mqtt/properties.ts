/** The properties of MQTT 5 (2.2.2): their types, and one table that reading and writing go by. */

import {
  AUTH,
  CONNACK,
  CONNECT,
  DISCONNECT,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  SUBACK,
  SUBSCRIBE,
  UNSUBACK,
  UNSUBSCRIBE,
  WILL,
} from "./packet-type.js";

export type UserProperty = readonly [name: string, value: string];

/** All there are. Absent: not in the packet. Each packet has some of them. */
export interface Properties {
  /** True: the payload is UTF-8. Not checked. */
  readonly payloadFormatIndicator?: boolean;
  /** Seconds. */
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  /** A topic name. */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Of a PUBLISH: of each subscription that it matches. From 1 to 268,435,455. */
  readonly subscriptionIdentifiers?: readonly number[];
  /** Of a SUBSCRIBE. From 1 to 268,435,455. */
  readonly subscriptionIdentifier?: number;
  /** Seconds; 4,294,967,295: never. */
  readonly sessionExpiryInterval?: number;
  readonly assignedClientIdentifier?: string;
  /** Seconds. */
  readonly serverKeepAlive?: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
  readonly requestProblemInformation?: boolean;
  /** Seconds. */
  readonly willDelayInterval?: number;
  readonly requestResponseInformation?: boolean;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly reasonString?: string;
  /** At least 1. */
  readonly receiveMaximum?: number;
  readonly topicAliasMaximum?: number;
  /** At least 1. */
  readonly topicAlias?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly userProperties?: readonly UserProperty[];
  /** Bytes of a whole packet, at least 1. */
  readonly maximumPacketSize?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifierAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
}

type Authentication = "authenticationMethod" | "authenticationData";
type Limits = "sessionExpiryInterval" | "receiveMaximum" | "topicAliasMaximum" | "maximumPacketSize";
type Application =
  | "payloadFormatIndicator"
  | "messageExpiryInterval"
  | "contentType"
  | "responseTopic"
  | "correlationData"
  | "userProperties";

export type ConnectProperties = Pick<
  Properties,
  Limits | Authentication | "requestProblemInformation" | "requestResponseInformation" | "userProperties"
>;
export type ConnackProperties = Pick<
  Properties,
  | Limits
  | Authentication
  | "assignedClientIdentifier"
  | "serverKeepAlive"
  | "responseInformation"
  | "serverReference"
  | "reasonString"
  | "maximumQos"
  | "retainAvailable"
  | "wildcardSubscriptionAvailable"
  | "subscriptionIdentifierAvailable"
  | "sharedSubscriptionAvailable"
  | "userProperties"
>;
export type WillProperties = Pick<Properties, Application | "willDelayInterval">;
export type PublishProperties = Pick<Properties, Application | "topicAlias" | "subscriptionIdentifiers">;
/** Of PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK. */
export type AckProperties = Pick<Properties, "reasonString" | "userProperties">;
export type SubscribeProperties = Pick<Properties, "subscriptionIdentifier" | "userProperties">;
export type UnsubscribeProperties = Pick<Properties, "userProperties">;
export type DisconnectProperties = Pick<
  Properties,
  "sessionExpiryInterval" | "serverReference" | "reasonString" | "userProperties"
>;
export type AuthProperties = Pick<Properties, Authentication | "reasonString" | "userProperties">;

export type PropertyType = "flag" | "uint16" | "uint32" | "varint" | "string" | "topic" | "binary" | "pair" | "qos";

export interface PropertyDefinition {
  readonly id: number;
  readonly name: keyof Properties;
  readonly type: PropertyType;
  /** Zero is a protocol error. */
  readonly positive?: boolean;
  /** May be there more than once: its value is an array. */
  readonly repeated?: boolean;
  readonly places: readonly number[];
}

const APPLICATION = [PUBLISH, WILL];
const ACKS = [PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK];

/** MQTT 5 table 2-4. */
const DEFINITIONS: readonly PropertyDefinition[] = [
  { id: 1, name: "payloadFormatIndicator", type: "flag", places: APPLICATION },
  { id: 2, name: "messageExpiryInterval", type: "uint32", places: APPLICATION },
  { id: 3, name: "contentType", type: "string", places: APPLICATION },
  { id: 8, name: "responseTopic", type: "topic", places: APPLICATION },
  { id: 9, name: "correlationData", type: "binary", places: APPLICATION },
  { id: 11, name: "subscriptionIdentifiers", type: "varint", positive: true, repeated: true, places: [PUBLISH] },
  { id: 11, name: "subscriptionIdentifier", type: "varint", positive: true, places: [SUBSCRIBE] },
  { id: 17, name: "sessionExpiryInterval", type: "uint32", places: [CONNECT, CONNACK, DISCONNECT] },
  { id: 18, name: "assignedClientIdentifier", type: "string", places: [CONNACK] },
  { id: 19, name: "serverKeepAlive", type: "uint16", places: [CONNACK] },
  { id: 21, name: "authenticationMethod", type: "string", places: [CONNECT, CONNACK, AUTH] },
  { id: 22, name: "authenticationData", type: "binary", places: [CONNECT, CONNACK, AUTH] },
  { id: 23, name: "requestProblemInformation", type: "flag", places: [CONNECT] },
  { id: 24, name: "willDelayInterval", type: "uint32", places: [WILL] },
  { id: 25, name: "requestResponseInformation", type: "flag", places: [CONNECT] },
  { id: 26, name: "responseInformation", type: "string", places: [CONNACK] },
  { id: 28, name: "serverReference", type: "string", places: [CONNACK, DISCONNECT] },
  { id: 31, name: "reasonString", type: "string", places: [...ACKS, CONNACK, DISCONNECT, AUTH] },
  { id: 33, name: "receiveMaximum", type: "uint16", positive: true, places: [CONNECT, CONNACK] },
  { id: 34, name: "topicAliasMaximum", type: "uint16", places: [CONNECT, CONNACK] },
  { id: 35, name: "topicAlias", type: "uint16", positive: true, places: [PUBLISH] },
  { id: 36, name: "maximumQos", type: "qos", places: [CONNACK] },
  { id: 37, name: "retainAvailable", type: "flag", places: [CONNACK] },
  {
    id: 38,
    name: "userProperties",
    type: "pair",
    repeated: true,
    places: [...APPLICATION, ...ACKS, CONNECT, CONNACK, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH],
  },
  { id: 39, name: "maximumPacketSize", type: "uint32", positive: true, places: [CONNECT, CONNACK] },
  { id: 40, name: "wildcardSubscriptionAvailable", type: "flag", places: [CONNACK] },
  { id: 41, name: "subscriptionIdentifierAvailable", type: "flag", places: [CONNACK] },
  { id: 42, name: "sharedSubscriptionAvailable", type: "flag", places: [CONNACK] },
];

const PLACES = Array.from({ length: 16 }, (_, place) =>
  DEFINITIONS.filter((definition) => definition.places.includes(place)),
);
const BY_ID = PLACES.map((definitions) => new Map(definitions.map((definition) => [definition.id, definition])));
const BY_NAME = PLACES.map(
  (definitions) => new Map<string, PropertyDefinition>(definitions.map((definition) => [definition.name, definition])),
);

/** What a property identifier means there; undefined where it must not be. */
export function definitionOf(place: number, id: number): PropertyDefinition | undefined {
  return BY_ID[place]?.get(id);
}

export function definitionNamed(place: number, name: string): PropertyDefinition | undefined {
  return BY_NAME[place]?.get(name);
}
