import type { DtlsError } from "./errors.js";
import type { Established } from "./established.js";

export type Output =
  | { readonly kind: "send"; readonly datagram: Uint8Array }
  | { readonly kind: "established"; readonly established: Established }
  /** Never empty. */
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** The last output of a connection. */
  | { readonly kind: "closed"; readonly reason: CloseReason };

export interface Received {
  readonly outcome: RecordOutcome;
  /** It was protected with this connection's keys. */
  readonly authentic: boolean;
  /** And no authentic one before it had as high a number: only such a one may move the peer's address (RFC 9146 6). */
  readonly newest: boolean;
  readonly outputs: Output[];
}

/** What became of a record: exactly one of these. */
export type RecordOutcome =
  | "accepted"
  /** It came before what it needs, and waits. */
  | "held"
  /** The same, and there is no room for it. */
  | "overflow"
  /** Of a handshake message that is known already. */
  | "duplicate"
  /** Of another epoch, in the clear where it must not be, or to a connection that is closed. */
  | "ignored"
  | "malformed"
  | "replayed"
  | "forged";

export type CloseReason =
  /** By us. */
  | { readonly kind: "closed" }
  /** By the peer, with close_notify. */
  | { readonly kind: "peer_closed" }
  /** The peer refused us. */
  | { readonly kind: "alert"; readonly code: number }
  /** We refused the peer: the code of the error is the alert that it was told. */
  | { readonly kind: "refused"; readonly error: DtlsError }
  /** The peer did not answer. */
  | { readonly kind: "timeout" }
  /** It did, but with nothing that our keys could open: it has another key, or claims an identity that there is not. */
  | { readonly kind: "undecryptable"; readonly claimed: string | undefined }
  /** The keys were used as often as keys may be. */
  | { readonly kind: "exhausted" };
