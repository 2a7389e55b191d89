import { createHmac, timingSafeEqual, verify } from "node:crypto";
import type { VerificationKey } from "./key.js";
import type { Token } from "./token.js";

/** Whether the token is signed with the key, by the key's algorithm and no other. */
export function isSigned({ header, signed, signature }: Token, { algorithm, key }: VerificationKey): boolean {
  if (header["alg"] !== algorithm) return false;
  if (algorithm === "HS256") {
    const expected = createHmac("sha256", key).update(signed).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  if (algorithm === "RS256") return verify("sha256", signed, key, signature);
  // RFC 7518 3.4: two numbers of 32 bytes side by side, not the DER form that OpenSSL writes.
  return signature.length === 64 && verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
}
