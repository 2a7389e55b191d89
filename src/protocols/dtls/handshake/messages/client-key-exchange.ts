import type { KeyExchange } from "../../crypto/suites.js";
import { concat, FieldReader, vector } from "../fields.js";

/** What each key exchange has of it. Byte arrays of a parsed one are views. */
export interface ClientKeyExchange {
  /** PSK, ECDHE_PSK: psk_identity (RFC 4279 2). */
  readonly identity?: Uint8Array;
  /** ECDHE_PSK, ECDHE_ECDSA (RFC 8422 5.7, RFC 5489 2). */
  readonly publicKey?: Uint8Array;
}

export function parseClientKeyExchange(body: Uint8Array, keyExchange: KeyExchange): ClientKeyExchange {
  const fields = new FieldReader(body);
  const identity = keyExchange === "ecdhe_ecdsa" ? undefined : fields.vector16(0);
  const publicKey = keyExchange === "psk" ? undefined : fields.vector8(1);
  fields.end();
  return { ...(identity === undefined ? {} : { identity }), ...(publicKey === undefined ? {} : { publicKey }) };
}

export function encodeClientKeyExchange({ identity, publicKey }: ClientKeyExchange): Uint8Array {
  return concat(
    ...(identity === undefined ? [] : [vector(2, identity)]),
    ...(publicKey === undefined ? [] : [vector(1, publicKey)]),
  );
}
