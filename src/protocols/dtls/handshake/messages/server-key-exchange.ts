import type { KeyExchange } from "../../crypto/suites.js";
import { DtlsError } from "../../errors.js";
import { concat, FieldReader, uint16, vector } from "../fields.js";
import { encodeSigned, readSigned, type Signed } from "./signed.js";

const NAMED_CURVE = 3;

/** ServerECDHParams, RFC 8422 5.4. */
export interface EcdhParameters {
  /** A number of supported_groups. */
  readonly group: number;
  readonly publicKey: Uint8Array;
}

/** What each key exchange has of it. Byte arrays of a parsed one are views. */
export interface ServerKeyExchange {
  /** PSK, ECDHE_PSK: psk_identity_hint (RFC 4279 2). */
  readonly hint?: Uint8Array;
  /** ECDHE_PSK, ECDHE_ECDSA. */
  readonly ecdh?: EcdhParameters;
  /** ECDHE_ECDSA: of both randoms and the parameters. */
  readonly signed?: Signed;
}

export function parseServerKeyExchange(body: Uint8Array, keyExchange: KeyExchange): ServerKeyExchange {
  const fields = new FieldReader(body);
  const hint = keyExchange === "ecdhe_ecdsa" ? undefined : fields.vector16(0);
  const ecdh = keyExchange === "psk" ? undefined : readParameters(fields);
  const signed = keyExchange === "ecdhe_ecdsa" ? readSigned(fields) : undefined;
  fields.end();
  return {
    ...(hint === undefined ? {} : { hint }),
    ...(ecdh === undefined ? {} : { ecdh }),
    ...(signed === undefined ? {} : { signed }),
  };
}

function readParameters(fields: FieldReader): EcdhParameters {
  // Explicit curves are for nobody (RFC 8422 5.4).
  if (fields.uint8() !== NAMED_CURVE) throw new DtlsError("ILLEGAL_PARAMETER", "a curve without a name");
  const group = fields.uint16();
  const publicKey = fields.vector8(1);
  return { group, publicKey };
}

/** As they are signed too. */
export function encodeEcdhParameters({ group, publicKey }: EcdhParameters): Uint8Array {
  return concat(Uint8Array.of(NAMED_CURVE), uint16(group), vector(1, publicKey));
}

export function encodeServerKeyExchange({ hint, ecdh, signed }: ServerKeyExchange): Uint8Array {
  return concat(
    ...(hint === undefined ? [] : [vector(2, hint)]),
    ...(ecdh === undefined ? [] : [encodeEcdhParameters(ecdh)]),
    ...(signed === undefined ? [] : [encodeSigned(signed)]),
  );
}
