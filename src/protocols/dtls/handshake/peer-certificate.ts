import { X509Certificate } from "node:crypto";
import {
  type CheckedPeer,
  checkChain,
  checkRawPublicKey,
  isSignatureScheme,
  type OwnKey,
  type Side,
  type Trust,
  verify,
} from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import { CERTIFICATE_TYPES } from "./extensions.js";
import {
  encodeCertificateChain,
  encodeRawPublicKey,
  parseCertificateChain,
  parseRawPublicKey,
} from "./messages/certificate.js";
import type { Signed } from "./messages/signed.js";

/** The number of RFC 7250 3 for a key of ours. */
export function certificateTypeOf({ kind }: OwnKey): number {
  return kind === "certificate" ? CERTIFICATE_TYPES.x509 : CERTIFICATE_TYPES.rawPublicKey;
}

/** Those that the peer may send, as we can check them. */
export function checkableTypes(trust: Trust | undefined): number[] {
  return [
    ...((trust?.rawPublicKeys.size ?? 0) > 0 ? [CERTIFICATE_TYPES.rawPublicKey] : []),
    ...((trust?.authorities.length ?? 0) > 0 ? [CERTIFICATE_TYPES.x509] : []),
  ];
}

export function encodeOwnCertificate(key: OwnKey): Uint8Array {
  const [first] = key.message;
  return key.kind === "raw-public-key" && first !== undefined
    ? encodeRawPublicKey(first)
    : encodeCertificateChain(key.message);
}

/** What a peer's Certificate message says, and until when (ms since 1970). */
export interface PeerCertificate extends CheckedPeer {
  readonly validUntil: number;
}

/**
 * Undefined: the message is empty. Throws DtlsError. `side`: what the peer is. `name`: what its certificate must be of.
 */
export function readPeerCertificate(
  body: Uint8Array,
  type: number,
  trust: Trust,
  side: Side,
  wall: number,
  name: string | undefined,
): PeerCertificate | undefined {
  if (type === CERTIFICATE_TYPES.rawPublicKey) {
    const key = parseRawPublicKey(body);
    if (key.length === 0) return undefined;
    return { ...checkRawPublicKey(key, trust), validUntil: Number.POSITIVE_INFINITY };
  }
  const chain = parseCertificateChain(body);
  if (chain.length === 0) return undefined;
  const peer = checkChain(chain, trust, side, wall, name);
  const ends = chain.map((certificate) => Date.parse(new X509Certificate(certificate).validTo));
  return { ...peer, validUntil: Math.min(...ends) };
}

/** Throws DtlsError unless the peer has signed `input` with the key that it showed. */
export function checkSigned({ scheme, signature }: Signed, { publicKey }: CheckedPeer, input: Uint8Array): void {
  if (!isSignatureScheme(scheme)) throw new DtlsError("ILLEGAL_PARAMETER", "a signature that was not asked for");
  if (!verify(scheme, publicKey, input, signature)) throw new DtlsError("DECRYPT_ERROR", "a signature that is wrong");
}
