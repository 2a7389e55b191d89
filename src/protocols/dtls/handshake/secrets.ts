import { createHash } from "node:crypto";
import {
  extendedMasterSecret,
  masterSecret,
  type Side,
  type Suite,
  sameBytes,
  trafficKeys,
  verifyData,
} from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import type { EpochKeys } from "./handshake.js";
import { HANDSHAKE_TYPES, type HandshakeMessage } from "./messages/header.js";
import type { Transcript } from "./transcript.js";

/** What two sides of a handshake have in common once their hellos are exchanged. */
export interface Agreed {
  readonly suite: Suite;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly extendedMasterSecret: boolean;
  /** The ids in the records of each side; empty: none. */
  readonly ownCid: Uint8Array;
  readonly peerCid: Uint8Array;
}

/** Overwrites the premaster secret. `transcript`: up to and with the ClientKeyExchange (RFC 7627 3). */
export function deriveMaster(agreed: Agreed, premaster: Buffer, transcript: Transcript): Buffer {
  const { suite, clientRandom, serverRandom } = agreed;
  const master = agreed.extendedMasterSecret
    ? extendedMasterSecret(suite.hash, premaster, transcript.digest(suite.hash))
    : masterSecret(suite.hash, premaster, clientRandom, serverRandom);
  premaster.fill(0);
  return master;
}

/** `side`: ours. */
export function epochKeys(agreed: Agreed, master: Uint8Array, side: Side): EpochKeys {
  const { suite, clientRandom, serverRandom, ownCid, peerCid } = agreed;
  const { client, server } = trafficKeys(suite, master, clientRandom, serverRandom);
  const [write, read] = side === "client" ? [client, server] : [server, client];
  return { suite, read, write, ownCid, peerCid };
}

/** Of one side, over all that the transcript has. */
export function finishedMessage(
  { suite }: Agreed,
  master: Uint8Array,
  side: Side,
  transcript: Transcript,
  sequence: number,
): HandshakeMessage {
  const body = verifyData(suite.hash, master, side, transcript.digest(suite.hash));
  return { type: HANDSHAKE_TYPES.finished, sequence, body };
}

/** Of the peer. Throws DtlsError. */
export function checkFinished(
  { suite }: Agreed,
  master: Uint8Array,
  side: Side,
  transcript: Transcript,
  body: Uint8Array,
): void {
  const expected = verifyData(suite.hash, master, side, transcript.digest(suite.hash));
  if (!sameBytes(expected, body)) throw new DtlsError("DECRYPT_ERROR", "a Finished over another handshake");
}

/** By which a session knows whether the key behind it is still the same. */
export function pskDigest(key: Uint8Array): Buffer {
  return createHash("sha256").update(key).digest();
}
