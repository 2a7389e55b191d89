import { decodeError, FieldReader, vector } from "../fields.js";

/** More than any chain has. */
const MAX_CHAIN = 10;

/** A chain in DER, the sender's own first (RFC 5246 7.4.2). Empty: a client without one (7.4.6). Views. */
export function parseCertificateChain(body: Uint8Array): Uint8Array[] {
  const fields = new FieldReader(body);
  const list = new FieldReader(fields.vector24(0));
  fields.end();
  const chain: Uint8Array[] = [];
  while (list.left > 0) {
    if (chain.length === MAX_CHAIN) throw decodeError(`more than ${MAX_CHAIN} certificates`);
    chain.push(list.vector24(1));
  }
  return chain;
}

export function encodeCertificateChain(chain: readonly Uint8Array[]): Uint8Array {
  return vector(3, ...chain.map((certificate) => vector(3, certificate)));
}

/** The SubjectPublicKeyInfo in DER (RFC 7250 3). Empty: a client without a key. A view. */
export function parseRawPublicKey(body: Uint8Array): Uint8Array {
  const fields = new FieldReader(body);
  const key = fields.vector24(0);
  fields.end();
  return key;
}

export function encodeRawPublicKey(key: Uint8Array): Uint8Array {
  return vector(3, key);
}
