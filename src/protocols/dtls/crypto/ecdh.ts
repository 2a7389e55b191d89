import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { DtlsError } from "../errors.js";

/** Groups by the names and numbers of RFC 8422 5.1.1, in our order of preference. */
export const GROUPS = { x25519: 29, secp256r1: 23, secp384r1: 24 } as const;
export type Group = keyof typeof GROUPS;

const NAMES = Object.keys(GROUPS) as Group[];
const CURVES = { secp256r1: "prime256v1", secp384r1: "secp384r1" } as const;
/** The uncompressed form: 04, x, y. No other is allowed (RFC 8422 5.1.2). */
const POINT_LENGTHS = { secp256r1: 65, secp384r1: 97 } as const;
const UNCOMPRESSED = 4;
const X25519_LENGTH = 32;
/** A SubjectPublicKeyInfo of X25519 up to the key (RFC 8410 4). */
const X25519_HEAD = Buffer.from("302a300506032b656e032100", "hex");

export function groupOf(id: number): Group | undefined {
  return NAMES.find((name) => GROUPS[name] === id);
}

/** A key of one handshake: it is forgotten with it. */
export interface EphemeralKey {
  readonly group: Group;
  /** As it goes on the wire: a point, or the 32 bytes of X25519. */
  readonly publicKey: Uint8Array;
  /** Throws DtlsError ILLEGAL_PARAMETER for what is no public key of the group. */
  sharedSecret(peer: Uint8Array): Buffer;
}

export function ephemeralKey(group: Group): EphemeralKey {
  return group === "x25519" ? x25519Key() : pointKey(group);
}

function pointKey(group: keyof typeof CURVES): EphemeralKey {
  const ecdh = createECDH(CURVES[group]);
  const publicKey = ecdh.generateKeys();
  return {
    group,
    publicKey,
    sharedSecret(peer) {
      if (peer.length !== POINT_LENGTHS[group] || peer[0] !== UNCOMPRESSED) throw noKey(group);
      try {
        // Points that are not on the curve are refused by OpenSSL. The leading zeros of x stay (RFC 8422 5.10).
        return ecdh.computeSecret(peer);
      } catch (cause) {
        throw noKey(group, cause);
      }
    },
  };
}

/**
 * Keys go in and out in DER, never as a JWK: while Node exports one as a JWK it holds a lock that the collection of the same key pair wants, and
 * where memory is collected at that moment the process stands still for ever (Node 20.20).
 */
function x25519Key(): EphemeralKey {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return {
    group: "x25519",
    publicKey: publicKey.export({ type: "spki", format: "der" }).subarray(X25519_HEAD.length),
    sharedSecret(peer) {
      if (peer.length !== X25519_LENGTH) throw noKey("x25519");
      let secret: Buffer;
      try {
        const spki = Buffer.concat([X25519_HEAD, peer]);
        const theirs = createPublicKey({ key: spki, format: "der", type: "spki" });
        secret = diffieHellman({ privateKey, publicKey: theirs });
      } catch (cause) {
        throw noKey("x25519", cause);
      }
      // Of a point of small order: everybody knows the secret (RFC 8422 5.11). OpenSSL refuses it too.
      if (secret.every((byte) => byte === 0)) throw noKey("x25519");
      return secret;
    },
  };
}

function noKey(group: Group, cause?: unknown): DtlsError {
  return new DtlsError("ILLEGAL_PARAMETER", `no public key of ${group}`, cause === undefined ? undefined : { cause });
}
