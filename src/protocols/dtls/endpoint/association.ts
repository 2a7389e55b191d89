import type { Peer, PeerIdentity } from "../../datagram/index.js";
import type { Connection, Established } from "../connection.js";
import type { Side } from "../crypto/index.js";
import type { Timed } from "./deadlines.js";

/** A peer of ours, from its handshake on. To everyone else it is a `Peer` whose address may change. */
export class Association implements Peer, Timed {
  readonly id: string;
  /** What we are. */
  readonly side: Side;
  readonly connection: Connection;
  /** What stands for it in the table of connection ids; empty: it is not in it. */
  readonly cidKey: string;
  /** Where it is now, a peer of the transport below. */
  at: Peer;
  /** Undefined while it shakes hands. */
  established: Established | undefined;
  /** Under which its session can be resumed; before it is open, under which it was looked for. */
  resumableAs: string | undefined;
  /** When an authentic record came last, in the order of which open ones are kept. */
  heard: number;
  /** Of the deadlines. */
  place = -1;
  due = 0;

  constructor(id: string, side: Side, connection: Connection, at: Peer, cid: Uint8Array, now: number) {
    this.id = id;
    this.side = side;
    this.connection = connection;
    this.at = at;
    this.cidKey = keyOf(cid);
    this.heard = now;
  }

  get address(): string {
    return this.at.address;
  }

  get port(): number {
    return this.at.port;
  }

  get identity(): PeerIdentity | undefined {
    return this.established?.identity;
  }

  /** Records to us say of which session they are, wherever they come from. */
  get hasCid(): boolean {
    return this.established !== undefined && this.established.ownCid.length > 0;
  }
}

/** The same for the same identity only. Undefined where nothing was proved. */
export function identityKey(identity: PeerIdentity | undefined): string | undefined {
  if (identity === undefined) return undefined;
  return identity.kind === "psk" ? `psk ${identity.identity}` : `${identity.kind} ${identity.fingerprint}`;
}

/** Bytes as a key of a map. */
export function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
