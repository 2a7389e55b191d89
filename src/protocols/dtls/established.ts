import type { PeerIdentity } from "../datagram/index.js";
import type { Suite } from "./crypto/index.js";
import type { Session } from "./session.js";

/** What a handshake has agreed on. */
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
  /** SHA-256 of the pre-shared key, where there is one. */
  readonly pskDigest: Buffer | undefined;
  /** To keep, if sessions are resumed; it is the caller's from now on. Undefined: it cannot be resumed, or it was. */
  readonly session: Session | undefined;
}
