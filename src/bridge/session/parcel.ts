import type { Message, Qos } from "../../core/message.js";
import type { Entry } from "../../outbox/outbox.js";
import type { Lane } from "./session.js";

/** What goes upstream as one PUBLISH: one message of the outbox, or several in one batch. */
export interface Parcel {
  readonly lane: Lane;
  /** In order of sequence, never empty. */
  readonly entries: readonly Entry[];
  readonly first: number;
  readonly last: number;
  /** What is published. */
  readonly message: Message;
  /** ms since the Unix epoch: worth nothing afterwards. */
  readonly expires: number | undefined;
}

/** Topic and payload, in bytes. */
export function sizeOfParcel({ message: { topic, payload } }: Parcel): number {
  return Buffer.byteLength(topic) + payload.length;
}

/** How far a PUBLISH of QoS 1 or 2 has come. */
export type Stage =
  /** Not sent on this session, or sent and not answered. */
  | "publish"
  /** PUBREC came and is being noted: what follows must not be sent before that. */
  | "noting"
  /** Noted. The upstream owns it; all that is left is PUBREL and PUBCOMP. */
  | "release";

export interface Exchange {
  readonly packetId: number;
  readonly parcel: Parcel;
  /** As it was sent: an upstream that cannot take QoS 2 gets less. */
  qos: Exclude<Qos, 0>;
  stage: Stage;
  /** Whether the upstream may have seen it: then it is sent with DUP, and may come twice if the session was lost. */
  sent: boolean;
  /** Sent on this connection and counted in its window. */
  open: boolean;
  /** How often the upstream refused it for a reason that may pass. */
  refusals: number;
}
