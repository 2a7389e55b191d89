import { createHmac } from "node:crypto";
import type { Hash } from "./suites.js";

/** The pseudorandom function of TLS 1.2 (RFC 5246 5): `length` bytes out of a secret, a label and a seed. */
export function prf(hash: Hash, secret: Uint8Array, label: string, seed: Uint8Array, length: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(label, "ascii"), seed]);
  const out = Buffer.alloc(length);
  let chain: Uint8Array = labelled;
  for (let at = 0; at < length; ) {
    chain = createHmac(hash, secret).update(chain).digest();
    const block = createHmac(hash, secret).update(chain).update(labelled).digest();
    at += block.copy(out, at);
  }
  return out;
}
