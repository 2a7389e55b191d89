import type { PeerIdentity } from "../datagram/index.js";
import type { Suite } from "./crypto/index.js";
import type { DtlsError } from "./errors.js";
import type { ClientHello } from "./handshake/messages/client-hello.js";
import type { ClientOptions, ServerOptions } from "./options.js";
import type { WireRecord } from "./record/index.js";
import type { Session } from "./session.js";

/** One peer: records, handshake, application data. Pure: bytes and time (ms of any fixed start) in, outputs out; never throws. */
export interface Connection {
  readonly state: "handshaking" | "open" | "closed";
  /** When `tick` wants to be called. */
  readonly deadline: number | undefined;
  /** Ours: records to us have it once the handshake has agreed on it. */
  readonly ownCid: Uint8Array | undefined;
  /** Of the ClientHello, ours or the peer's: a hello with the same one is of this handshake, another begins a new one. */
  readonly clientRandom: Uint8Array;
  receive(record: WireRecord, now: number): Received;
  /** Application data in one record. No output: it is not open, or the bytes do not fit in a record. */
  send(bytes: Uint8Array): Output[];
  tick(now: number): Output[];
  close(): Output[];
}

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

export interface Established {
  /** What the peer has proved of itself. */
  readonly identity: PeerIdentity | undefined;
  readonly suite: Suite;
  readonly resumed: boolean;
  readonly extendedMasterSecret: boolean;
  /** What records to us have. Empty: nothing. */
  readonly ownCid: Uint8Array;
  /** What our records have. Empty: nothing. */
  readonly peerCid: Uint8Array;
  /** To keep, if sessions are resumed; it is the caller's from now on. Undefined: it cannot be resumed, or it was. */
  readonly session: Session | undefined;
}

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
  | { readonly kind: "undecryptable" }
  /** The keys were used as often as keys may be. */
  | { readonly kind: "exhausted" };

/** A ClientHello that came in one piece and had the cookie. */
export interface VerifiedHello {
  readonly hello: ClientHello;
  /** The body of the message, as it came. */
  readonly body: Uint8Array;
  /** Its message_seq: ours begin there (RFC 6347 4.2.2). */
  readonly messageSequence: number;
  /** Of its record: our first record has the same number (RFC 6347 4.2.1). */
  readonly recordSequence: number;
}

export interface Opened {
  readonly connection: Connection;
  readonly outputs: Output[];
}

export declare function serverConnection(hello: VerifiedHello, options: ServerOptions, now: number): Opened;
export declare function clientConnection(options: ClientOptions, now: number): Opened;
