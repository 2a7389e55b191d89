import { timingSafeEqual } from "node:crypto";
import { prf } from "./prf.js";
import type { Hash, Suite } from "./suites.js";

const MASTER_LENGTH = 48;
const VERIFY_LENGTH = 12;
/** The salt of AEAD_AES_128_GCM and AEAD_AES_128_CCM, `client_write_IV` (RFC 5288 3, RFC 6655 3). */
const IV_LENGTH = 4;

/** What one side writes its records with. */
export interface TrafficKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
}

export type Side = "client" | "server";

/** PSK: as many zeros as the key has bytes, then the key (RFC 4279 2). */
export function pskPremaster(key: Uint8Array): Buffer {
  return withPsk(new Uint8Array(key.length), key);
}

/** ECDHE_PSK: the shared secret, then the key (RFC 5489 2). */
export function ecdhePskPremaster(shared: Uint8Array, key: Uint8Array): Buffer {
  return withPsk(shared, key);
}

function withPsk(other: Uint8Array, key: Uint8Array): Buffer {
  const premaster = Buffer.alloc(2 + other.length + 2 + key.length);
  premaster.writeUInt16BE(other.length, 0);
  premaster.set(other, 2);
  premaster.writeUInt16BE(key.length, 2 + other.length);
  premaster.set(key, 4 + other.length);
  return premaster;
}

/** RFC 5246 8.1. The randoms are 32 bytes each. */
export function masterSecret(
  hash: Hash,
  premaster: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Buffer {
  return prf(hash, premaster, "master secret", Buffer.concat([clientRandom, serverRandom]), MASTER_LENGTH);
}

/** RFC 7627 4. `sessionHash`: of the messages up to and with the ClientKeyExchange. */
export function extendedMasterSecret(hash: Hash, premaster: Uint8Array, sessionHash: Uint8Array): Buffer {
  return prf(hash, premaster, "extended master secret", sessionHash, MASTER_LENGTH);
}

/** The keys of both directions (RFC 5246 6.3). AEAD: without MAC keys. */
export function trafficKeys(
  suite: Suite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Readonly<Record<Side, TrafficKeys>> {
  const { hash, keyLength } = suite;
  const seed = Buffer.concat([serverRandom, clientRandom]);
  const block = prf(hash, master, "key expansion", seed, 2 * (keyLength + IV_LENGTH));
  const ivs = 2 * keyLength;
  return {
    client: { key: block.subarray(0, keyLength), iv: block.subarray(ivs, ivs + IV_LENGTH) },
    server: { key: block.subarray(keyLength, ivs), iv: block.subarray(ivs + IV_LENGTH) },
  };
}

/** Of the Finished of one side: 12 bytes (RFC 5246 7.4.9). `transcriptHash`: of all messages before it. */
export function verifyData(hash: Hash, master: Uint8Array, side: Side, transcriptHash: Uint8Array): Buffer {
  return prf(hash, master, `${side} finished`, transcriptHash, VERIFY_LENGTH);
}

/** In a time that tells nothing of where they differ. Their lengths are no secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
