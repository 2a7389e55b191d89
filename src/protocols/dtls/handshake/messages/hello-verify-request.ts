import { concat, FieldReader, uint16, vector } from "../fields.js";

/** RFC 6347 4.2.1. */
export interface HelloVerifyRequest {
  /** DTLS 1.2 or 1.0: nothing is to be concluded from it. */
  readonly version: number;
  readonly cookie: Uint8Array;
}

export function parseHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest {
  const fields = new FieldReader(body);
  const version = fields.uint16();
  const cookie = fields.vector8(0);
  fields.end();
  return { version, cookie };
}

export function encodeHelloVerifyRequest({ version, cookie }: HelloVerifyRequest): Uint8Array {
  return concat(uint16(version), vector(1, cookie));
}
