import { concat, FieldReader, uint16, vector } from "../fields.js";

/** `DigitallySigned` (RFC 5246 4.7): a number of SignatureAndHashAlgorithm and the signature. */
export interface Signed {
  readonly scheme: number;
  /** A view. */
  readonly signature: Uint8Array;
}

export function readSigned(fields: FieldReader): Signed {
  const scheme = fields.uint16();
  const signature = fields.vector16(0);
  return { scheme, signature };
}

export function encodeSigned({ scheme, signature }: Signed): Uint8Array {
  return concat(uint16(scheme), vector(2, signature));
}

/** A CertificateVerify is nothing else (RFC 5246 7.4.8). */
export function parseCertificateVerify(body: Uint8Array): Signed {
  const fields = new FieldReader(body);
  const signed = readSigned(fields);
  fields.end();
  return signed;
}
