import { type Extensions, encodeExtensions, parseExtensions } from "../extensions.js";
import { concat, decodeError, FieldReader, uint16, uint16Bytes, uint16List, vector } from "../fields.js";

/** DTLS 1.2 (RFC 6347 4.1). */
export const DTLS_1_2 = 0xfefd;
/** DTLS 1.0: only in the HelloVerifyRequest of servers that say so to all (RFC 6347 4.2.1). */
export const DTLS_1_0 = 0xfeff;
export const RANDOM_LENGTH = 32;
/** In the list of suites: as the empty renegotiation_info extension (RFC 5746 3.3). */
export const RENEGOTIATION_SCSV = 0x00ff;

const MAX_SESSION_ID = 32;
const NO_COMPRESSION = 0;

/** RFC 6347 4.2.1. Byte arrays of a parsed one are views. */
export interface ClientHello {
  readonly version: number;
  readonly random: Uint8Array;
  /** Empty: no session to resume. */
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  readonly suites: readonly number[];
  readonly extensions: Extensions;
}

export function parseClientHello(body: Uint8Array): ClientHello {
  const fields = new FieldReader(body);
  const version = fields.uint16();
  const random = fields.bytes(RANDOM_LENGTH);
  const sessionId = fields.vector8(0, MAX_SESSION_ID);
  const cookie = fields.vector8(0);
  const suites = uint16List(fields.vector16(2));
  // "This vector MUST contain CompressionMethod.null" (RFC 5246 7.4.1.2).
  if (!fields.vector8(1).includes(NO_COMPRESSION)) throw decodeError("compression only");
  const { extensions } = parseExtensions(fields, "client");
  return { version, random, sessionId, cookie, suites, extensions };
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  return concat(
    uint16(hello.version),
    hello.random,
    vector(1, hello.sessionId),
    vector(1, hello.cookie),
    vector(2, uint16Bytes(hello.suites)),
    vector(1, Uint8Array.of(NO_COMPRESSION)),
    encodeExtensions(hello.extensions, "client"),
  );
}
