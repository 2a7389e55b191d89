import { type KeyObject, sign as nodeSign, verify as nodeVerify } from "node:crypto";

/** ECDSA with each hash, by the numbers of RFC 5246 7.4.1.4.1 (hash, then 3), in our order of preference. */
export const SIGNATURE_SCHEMES = { ecdsa_sha256: 0x0403, ecdsa_sha384: 0x0503, ecdsa_sha512: 0x0603 } as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[keyof typeof SIGNATURE_SCHEMES];

const { ecdsa_sha256, ecdsa_sha384, ecdsa_sha512 } = SIGNATURE_SCHEMES;
const HASHES: ReadonlyMap<number, string> = new Map([
  [ecdsa_sha256, "sha256"],
  [ecdsa_sha384, "sha384"],
  [ecdsa_sha512, "sha512"],
]);
const SCHEMES: readonly SignatureScheme[] = Object.values(SIGNATURE_SCHEMES);
/** The hash that is as strong as the curve. In TLS 1.2 any may go with any (RFC 8422 5.1.1 only names curves). */
const FIRST_OF_CURVE = { prime256v1: ecdsa_sha256, secp384r1: ecdsa_sha384 } as const;

/** Of an EC key that we can sign or verify with: `prime256v1` or `secp384r1`. Undefined for every other key. */
export function curveOf(key: KeyObject): "prime256v1" | "secp384r1" | undefined {
  const curve = key.asymmetricKeyType === "ec" ? key.asymmetricKeyDetails?.namedCurve : undefined;
  return curve === "prime256v1" || curve === "secp384r1" ? curve : undefined;
}

/** What we accept and offer, best first. */
export function isSignatureScheme(id: number): id is SignatureScheme {
  return HASHES.has(id);
}

/** The scheme to sign with, of those that the peer takes. Undefined where there is none. */
export function schemeFor(key: KeyObject, accepted: readonly number[]): SignatureScheme | undefined {
  const curve = curveOf(key);
  if (curve === undefined) return undefined;
  const first = FIRST_OF_CURVE[curve];
  if (accepted.includes(first)) return first;
  return SCHEMES.find((scheme) => accepted.includes(scheme));
}

/** A DER signature (RFC 8422 5.4). `input`: for ServerKeyExchange `keyExchangeInput`, for CertificateVerify all messages before it. */
export function sign(scheme: SignatureScheme, privateKey: KeyObject, input: Uint8Array): Buffer {
  return nodeSign(HASHES.get(scheme), input, { key: privateKey, dsaEncoding: "der" });
}

/** False for whatever is no signature of it, never an exception. */
export function verify(
  scheme: SignatureScheme,
  publicKey: KeyObject,
  input: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (curveOf(publicKey) === undefined) return false;
  try {
    return nodeVerify(HASHES.get(scheme), input, { key: publicKey, dsaEncoding: "der" }, signature);
  } catch {
    return false;
  }
}

/** What the server signs: both randoms and its ECDH parameters as they are on the wire (RFC 8422 5.4). */
export function keyExchangeInput(clientRandom: Uint8Array, serverRandom: Uint8Array, parameters: Uint8Array): Buffer {
  return Buffer.concat([clientRandom, serverRandom, parameters]);
}
