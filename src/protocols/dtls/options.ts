import type { OwnKey, Suite, Trust } from "./crypto/index.js";
import type { Session } from "./session.js";

/** The timers of RFC 6347 4.2.4.1, in ms. */
export interface Timing {
  /** Until the first retransmission; doubled with each. */
  readonly first: number;
  readonly longest: number;
  /** So often a flight is sent again; then the peer is given up. */
  readonly retransmissions: number;
  /** So long the last flight is kept for a peer that did not get it: twice the lifetime of a segment (RFC 6347 4.2.4). */
  readonly lastFlight: number;
}

/** With these, a peer is given up after 1 + 2 + 4 + ... + 60 + 60 + 60 = 243 s. */
export const DEFAULT_TIMING: Timing = { first: 1000, longest: 60_000, retransmissions: 8, lastFlight: 240_000 };

interface CommonOptions {
  /** In the order of preference. */
  readonly suites: readonly Suite[];
  /**
   * What the peer is to put in its records to us (RFC 9146), which nobody else has. Empty: nothing, but we put in what it wants.
   * Undefined: connection ids are not spoken.
   */
  readonly cid: Uint8Array | undefined;
  /** Bytes of a datagram, without the headers of UDP and IP: 1200 goes through wherever IPv6 does. */
  readonly mtu: number;
  readonly timing: Timing;
  /** Bytes of a handshake message: more is refused. */
  readonly maxMessage: number;
  /** Good enough for keys. */
  readonly random: (length: number) => Uint8Array;
  /** Ms since 1970, for the time of certificates. */
  readonly wall: number;
  /** What we prove who we are with; the first that the peer takes. */
  readonly keys: readonly OwnKey[];
  /** Of whom certificates and raw public keys are believed. Undefined: of nobody. */
  readonly trust: Trust | undefined;
}

export interface ServerOptions extends CommonOptions {
  readonly psk: ServerPsk | undefined;
  /** Where the cipher suite has certificates. `optional`: a client without one has no identity. */
  readonly clientCertificate: "none" | "optional" | "required";
  /** A session that may go on (RFC 5246 7.3), by its id. Undefined: none does, and clients are told so. */
  readonly resume: ((id: Uint8Array) => Session | undefined) | undefined;
}

export interface ServerPsk {
  /** 1 to 64 bytes. Undefined: there is no such identity. It must not throw. */
  readonly lookup: (identity: string) => Uint8Array | undefined;
  /** Helps a client to choose its identity (RFC 4279 5.2). */
  readonly hint: string | undefined;
}

export interface ClientOptions extends CommonOptions {
  readonly psk: { readonly identity: string; readonly key: Uint8Array } | undefined;
  /** A DNS name or IP address: the server's certificate must have it, and a DNS name is told to the server (RFC 6066 3). */
  readonly serverName: string | undefined;
  /** The session that we had with this server, to go on with. */
  readonly session: Session | undefined;
}
