import type { Suite, TrafficKeys } from "../crypto/index.js";
import type { Established } from "../established.js";
import type { FlightPart } from "./flight.js";
import type { HandshakeMessage } from "./messages/header.js";

/** One side of a handshake. Pure: the peer's messages in, each once and in order; what to do comes out. */
export interface Handshake {
  /** 32 bytes. */
  readonly clientRandom: Uint8Array;
  /** message_seq of the first message that the peer sends. */
  readonly firstSequence: number;
  /** Bytes of a record that the peer takes (RFC 6066 4). */
  readonly maxPlaintext: number;
  /** The identity of a pre-shared key that the peer says it has. Undefined: it has said none. Not proved. */
  readonly claimed: string | undefined;
  start(): Step;
  /** Throws DtlsError where the handshake cannot go on: its code is the alert for the peer. */
  message(message: HandshakeMessage): Step;
  /** Overwrites what is secret. To be called when it is over, however it ended. */
  forget(): void;
}

/** What to do, in this order. All left out: wait for the next message. */
export interface Step {
  /** From now on records of epoch 1 can be opened, and written. */
  readonly keys?: EpochKeys;
  readonly flight?: { readonly parts: readonly FlightPart[]; readonly answers: number; readonly last: boolean };
  readonly established?: Established;
}

export interface EpochKeys {
  readonly suite: Suite;
  readonly read: TrafficKeys;
  readonly write: TrafficKeys;
  /** Empty: records have none (RFC 9146 3). */
  readonly ownCid: Uint8Array;
  readonly peerCid: Uint8Array;
}
