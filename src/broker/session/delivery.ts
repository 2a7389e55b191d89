import type { Publication } from "../publication.js";

/** How far a message is on its way to the client. */
export type Progress =
  | "waiting"
  /** PUBLISH is out. */
  | "sent"
  /** PUBLISH was out on a connection that is gone: it goes again, marked as a duplicate (MQTT-3.3.1-1, MQTT-4.4.0-1). */
  | "again"
  /** PUBREC has come; PUBREL is out or goes next. */
  | "released";

/** A QoS 1 or 2 message of one session. */
export interface Delivery {
  /** Undefined once it needs not be sent again. */
  publication: Publication | undefined;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
  progress: Progress;
  /** What it weighs as long as its publication is kept; 0 otherwise. */
  weight: number;
}

/** What a session sends through: the connection of its client. */
export interface Link {
  /** How many QoS 1 and 2 messages may be on their way. */
  readonly window: number;
  /** False while what was written before has not gone out: better wait. */
  readonly ready: boolean;
  /** False where the client takes no packet as large: it counts as delivered (MQTT-3.1.2-25). */
  publish(publication: Publication, how: HowSent): boolean;
  pubrel(packetId: number): void;
}

export interface HowSent {
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
  /** 0 at QoS 0. */
  readonly packetId: number;
  readonly dup: boolean;
}
