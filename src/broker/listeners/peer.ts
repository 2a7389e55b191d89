import type { Duplex } from "node:stream";

/** What a listener knows of a connection. */
export interface Peer {
  /** The listener's URL as configured. */
  readonly listener: string;
  /** Whether it came over loopback or a Unix socket. */
  readonly local: boolean;
  /** As the PROXY protocol says where the listener takes that; undefined for a Unix socket. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** The user that its client certificate or pre-shared key proved, as the listener maps it. */
  readonly proven: string | undefined;
}

/** What hands a connection to the broker. */
export type Handle = (connection: Duplex, peer: Peer) => void;
