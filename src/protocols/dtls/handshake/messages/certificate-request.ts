import { concat, FieldReader, uint16Bytes, uint16List, vector } from "../fields.js";

/** ClientCertificateType, RFC 8422 5.5. */
export const ECDSA_SIGN = 64;

/** RFC 5246 7.4.4. */
export interface CertificateRequest {
  readonly types: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** Distinguished names in DER; empty: of any authority. */
  readonly authorities: Uint8Array;
}

export function parseCertificateRequest(body: Uint8Array): CertificateRequest {
  const fields = new FieldReader(body);
  const types = [...fields.vector8(1)];
  const signatureSchemes = uint16List(fields.vector16(2));
  const authorities = fields.vector16(0);
  fields.end();
  return { types, signatureSchemes, authorities };
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  return concat(
    vector(1, Uint8Array.from(request.types)),
    vector(2, uint16Bytes(request.signatureSchemes)),
    vector(2, request.authorities),
  );
}
