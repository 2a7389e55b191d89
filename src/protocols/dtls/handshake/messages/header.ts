import { concat, decodeError, FieldReader, uint16, uint24 } from "../fields.js";

export const HANDSHAKE_TYPES = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  hello_verify_request: 3,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
} as const;
export type HandshakeType = (typeof HANDSHAKE_TYPES)[keyof typeof HANDSHAKE_TYPES];

/** Type, length, message_seq, fragment_offset, fragment_length (RFC 6347 4.2.2). */
export const HEADER_LENGTH = 12;

export interface HandshakeMessage {
  readonly type: number;
  /** message_seq, RFC 6347 4.2.2. */
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** A message or a piece of one, as a record holds it. */
export interface Fragment {
  readonly type: number;
  readonly sequence: number;
  /** Of the whole message. */
  readonly length: number;
  readonly offset: number;
  /** A view. */
  readonly bytes: Uint8Array;
}

export function encodeFragment({ type, sequence, length, offset, bytes }: Fragment): Uint8Array {
  return concat(Uint8Array.of(type), uint24(length), uint16(sequence), uint24(offset), uint24(bytes.length), bytes);
}

/** The message in one fragment, which is how it is hashed too (RFC 6347 4.2.6). */
export function encodeMessage({ type, sequence, body }: HandshakeMessage): Uint8Array {
  return encodeFragment({ type, sequence, length: body.length, offset: 0, bytes: body });
}

/** All fragments of one record: several may share it (RFC 6347 4.2.3). Throws DtlsError. */
export function parseFragments(record: Uint8Array): Fragment[] {
  const fields = new FieldReader(record);
  const fragments: Fragment[] = [];
  // An empty one is not allowed (RFC 5246 6.2.1).
  do {
    const type = fields.uint8();
    const length = fields.uint24();
    const sequence = fields.uint16();
    const offset = fields.uint24();
    const bytes = fields.vector24(0);
    if (offset + bytes.length > length) throw decodeError("a fragment that goes on beyond its message");
    if (bytes.length === 0 && length > 0) throw decodeError("an empty fragment of a message that is not");
    fragments.push({ type, sequence, length, offset, bytes });
  } while (fields.left > 0);
  return fragments;
}
