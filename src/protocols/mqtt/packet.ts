import type {
  AckProperties,
  AuthProperties,
  ConnackProperties,
  ConnectProperties,
  DisconnectProperties,
  PublishProperties,
  SubscribeProperties,
  UnsubscribeProperties,
  WillProperties,
} from "./properties.js";

/** The protocol level on the wire: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5;
export type Qos = 0 | 1 | 2;

/**
 * The control packets. `properties` are of MQTT 5 only, and absent where there are none.
 * `reasonCode` is 0 where the packet has none (MQTT 5 3.4.2.1, 3.14.2.1, 3.15.2.1; always before MQTT 5).
 */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;

export interface ConnectPacket {
  readonly kind: "connect";
  readonly version: ProtocolVersion;
  /** Clean Session before MQTT 5. */
  readonly cleanStart: boolean;
  /** Seconds; 0: none. */
  readonly keepAlive: number;
  /** May be empty: whether that is accepted is the server's to say (MQTT-3.1.3-6 to -8). */
  readonly clientId: string;
  readonly will?: Will;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly properties?: ConnectProperties;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties?: WillProperties;
}

export interface ConnackPacket {
  readonly kind: "connack";
  /** Always false in MQTT 3.1. */
  readonly sessionPresent: boolean;
  /** Before MQTT 5 the return code, 0 to 5, which is another set of numbers. */
  readonly reasonCode: number;
  readonly properties?: ConnackProperties;
}

interface PublishCommon {
  /** Empty only in MQTT 5 with a topic alias. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  /** False at QoS 0 (MQTT-3.3.1-2). */
  readonly dup: boolean;
  readonly properties?: PublishProperties;
}

/** What a PUBLISH holds. A packet id is there at QoS 1 and 2 only (MQTT-2.3.1-5). */
export type PublishFields =
  | (PublishCommon & { readonly qos: 0 })
  | (PublishCommon & { readonly qos: 1 | 2; readonly packetId: number });

export type PublishPacket = PublishFields & { readonly kind: "publish" };

export type AckKind = "puback" | "pubrec" | "pubrel" | "pubcomp";

export interface AckPacket {
  readonly kind: AckKind;
  readonly packetId: number;
  readonly reasonCode: number;
  readonly properties?: AckProperties;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  /** False before MQTT 5, as are the other two at their zero. */
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: send retained messages; 1: only for a new subscription; 2: none (MQTT 5 3.8.3.1). */
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly kind: "subscribe";
  readonly packetId: number;
  /** At least one. */
  readonly subscriptions: readonly Subscription[];
  readonly properties?: SubscribeProperties;
}

export interface SubackPacket {
  readonly kind: "suback";
  readonly packetId: number;
  /** One a subscription, in their order: the granted QoS, or 0x80 and above. */
  readonly reasonCodes: readonly number[];
  readonly properties?: AckProperties;
}

export interface UnsubscribePacket {
  readonly kind: "unsubscribe";
  readonly packetId: number;
  /** At least one. */
  readonly filters: readonly string[];
  readonly properties?: UnsubscribeProperties;
}

export interface UnsubackPacket {
  readonly kind: "unsuback";
  readonly packetId: number;
  /** One a filter, in their order; empty before MQTT 5. */
  readonly reasonCodes: readonly number[];
  readonly properties?: AckProperties;
}

export interface PingPacket {
  readonly kind: "pingreq" | "pingresp";
}

export interface DisconnectPacket {
  readonly kind: "disconnect";
  readonly reasonCode: number;
  readonly properties?: DisconnectProperties;
}

/** MQTT 5 only. */
export interface AuthPacket {
  readonly kind: "auth";
  readonly reasonCode: number;
  readonly properties?: AuthProperties;
}
