import type { PeerIdentity } from "../datagram/index.js";
import type { Suite } from "./crypto/index.js";

/** What two peers need to go on without another key exchange (RFC 5246 F.1.4). Only of a handshake with the extended master secret. */
export interface Session {
  readonly id: Uint8Array;
  readonly suite: Suite;
  /** Secret. Whoever keeps the session overwrites it when it is dropped. */
  readonly master: Buffer;
  /** Of the peer. */
  readonly identity: PeerIdentity | undefined;
  /** SHA-256 of the pre-shared key: with another key, or none, the session does not go on. */
  readonly pskDigest: Buffer | undefined;
  /** When the first certificate of the peer's chain ends, ms since 1970; Infinity without one. */
  readonly validUntil: number;
}
