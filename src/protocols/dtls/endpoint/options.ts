import { randomBytes } from "node:crypto";
import type { Address } from "../../datagram/index.js";
import { type OwnKey, type Suite, SUITES, type Trust } from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import type { EndReason } from "./counters.js";
import { DEFAULT_TIMING, type ServerPsk, type Timing } from "../options.js";

export interface DtlsOptions {
  /** Left out: nobody is let in. */
  readonly server?: ServerSide;
  /** What to prove who we are with to the server at an address. Undefined, or left out: no server is connected to. */
  readonly client?: (to: Address) => ClientSide | undefined;
  /** Of ours: `ownCertificate`, `ownRawPublicKey`. The first that the peer takes. */
  readonly keys?: readonly OwnKey[];
  /** `trustIn`. Left out: no certificate and no raw public key is believed. */
  readonly trust?: Trust;
  /** In the order of preference. All of `SUITES` if left out. */
  readonly suites?: readonly Suite[];
  /** Bytes of the connection ids that peers are to put in their records to us; 0: none. 8 if left out. */
  readonly cidLength?: number;
  /** Bytes of a datagram during a handshake. 1200 if left out. */
  readonly mtu?: number;
  readonly timing?: Timing;
  /** Bytes of a handshake message. 16,384 if left out. */
  readonly maxMessage?: number;
  readonly limits?: Partial<Limits>;
  /** A session from which nothing came for so long is closed, ms. A day if left out. */
  readonly idle?: number;
  /** For tests. Good enough for keys. */
  readonly random?: (length: number) => Uint8Array;
  /** Hears of each handshake as server that was not completed. Must not throw. */
  readonly onFailure?: (failure: HandshakeFailure) => void;
}

/** Why a client was not let in, for whoever looks after it: what the client said of itself is not proved. */
export interface HandshakeFailure {
  /** Where it came from. */
  readonly from: Address;
  readonly reason: EndReason;
  /** What was wrong with what it sent, or the alert that it sent. */
  readonly detail: string | undefined;
  /** The identity of the pre-shared key that it said it has. */
  readonly claimed: string | undefined;
}

export interface ServerSide {
  readonly psk?: { readonly lookup: ServerPsk["lookup"]; readonly hint?: string };
  /** Where the suite has certificates: whether the client must prove who it is. `required` if left out. */
  readonly clientCertificate?: "none" | "optional" | "required";
}

export interface ClientSide {
  readonly psk?: { readonly identity: string; readonly key: Uint8Array };
  /** A DNS name or IP address that the server's certificate must have. Left out: that a trusted authority signed it is enough. */
  readonly serverName?: string;
}

export interface Limits {
  /** Handshakes under way as server, and as many as client. Beyond: the oldest of a server goes; a client's is refused. */
  readonly halfOpen: number;
  /** Handshakes under way as server with one address of IPv4, or one network (/64) of IPv6, whatever the ports. Beyond: the hello is dropped. */
  readonly halfOpenPerAddress: number;
  /** Beyond: the session goes from which nothing came for longest. */
  readonly open: number;
  /**
   * Sessions of one identity, and of all that have proved none, so that one device cannot push out all others. Beyond: the same among them. Where all
   * devices have one key, as many as there are devices.
   */
  readonly openPerIdentity: number;
  /** Sessions that are kept to be resumed, of servers and of clients each. */
  readonly resumable: number;
  /** Ms. At most a day (RFC 5246 F.1.4). */
  readonly resumableAge: number;
}

export const DEFAULT_LIMITS: Limits = {
  halfOpen: 1_000,
  halfOpenPerAddress: 64,
  open: 10_000,
  openPerIdentity: 1_000,
  resumable: 10_000,
  resumableAge: 86_400_000,
};

const DAY = 86_400_000;
const MAX_CID = 20;
/** With fewer bytes there would be more sessions than ids, and ids would soon be guessed. */
const MIN_CID = 4;
/** A flight must go on: headers, and some bytes. */
const MIN_MTU = 128;

export type Settings = Required<Omit<DtlsOptions, "server" | "client" | "trust" | "limits" | "onFailure">> &
  Pick<DtlsOptions, "server" | "client" | "trust"> & { readonly limits: Limits };

/** With what was left out. Throws DtlsError OPTIONS. */
export function settingsOf(options: DtlsOptions): Settings {
  const settings: Settings = {
    keys: [],
    suites: SUITES,
    cidLength: 8,
    mtu: 1200,
    timing: DEFAULT_TIMING,
    maxMessage: 16_384,
    idle: DAY,
    random: randomBytes,
    ...options,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const { cidLength, mtu } = settings;
  if (cidLength !== 0 && (cidLength < MIN_CID || cidLength > MAX_CID || !Number.isInteger(cidLength))) {
    throw new DtlsError("OPTIONS", `connection ids have 0, or ${MIN_CID} to ${MAX_CID} bytes`);
  }
  if (mtu < MIN_MTU) throw new DtlsError("OPTIONS", `datagrams have at least ${MIN_MTU} bytes`);
  return settings;
}
