/**
 * The CoAP message format, RFC 7252 3: bytes to messages and back. Pure; never throws on what comes from a wire.
 */

/** Confirmable, non-confirmable, acknowledgement, reset (RFC 7252 4.2, 4.3). In the order of their numbers on the wire. */
export const MESSAGE_TYPES = ["CON", "NON", "ACK", "RST"] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
/** Class and detail, `c.dd`: 0.02 is POST, 2.04 is Changed (RFC 7252 3, 12.1). The detail is at most 31. */
export type Code = `${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}.${0 | 1 | 2 | 3}${Digit}`;

export interface Option {
  readonly number: number;
  readonly value: Uint8Array;
}

export interface Message {
  readonly type: MessageType;
  readonly code: Code;
  /** 16 bits. */
  readonly messageId: number;
  /** 0 to 8 bytes. */
  readonly token: Uint8Array;
  /** In ascending order of number; those of one number in the order in which they were given. */
  readonly options: readonly Option[];
  /** Empty where there is none. */
  readonly payload: Uint8Array;
}

/** Why bytes are no message. */
export type FormatError =
  /** Fewer than the 4 bytes of a header. */
  | "short"
  /** Not version 1: to be ignored in silence (RFC 7252 3). */
  | "version"
  /** 9 to 15 (RFC 7252 3). */
  | "token_length"
  /** A token or an option goes on beyond the end. */
  | "truncated"
  /** A delta or length of 15, or a number beyond 65535 (RFC 7252 3.1). */
  | "option"
  /** More options than any message needs. */
  | "too_many_options"
  /** A payload marker with nothing behind it (RFC 7252 3). */
  | "marker"
  /** Code 0.00 with anything behind the message id (RFC 7252 4.1). */
  | "empty"
  /** Classes 1, 6 and 7 are reserved (RFC 7252 4.2). */
  | "reserved_code";

export type Parsed =
  | { readonly ok: true; readonly message: Message }
  /** Type and id are there where the header could be read: a confirmable message is answered with a reset. */
  | { readonly ok: false; readonly error: FormatError; readonly type?: MessageType; readonly messageId?: number };

const VERSION = 1;
const PAYLOAD_MARKER = 0xff;
const MAX_TOKEN = 8;
/** Not of the RFC: each option costs an object, and one byte is enough to make one. A path of 8 segments and its queries need 20. */
const MAX_OPTIONS = 64;
const EMPTY = new Uint8Array(0);

const CODES: readonly Code[] = Array.from(
  { length: 256 },
  (_, byte) => `${byte >> 5}.${String(byte & 0x1f).padStart(2, "0")}` as Code,
);

/** `2.04` to 0x44. */
export function codeByte(code: Code): number {
  return Number(code.slice(0, 1)) * 32 + Number(code.slice(2));
}

/** Reads one datagram. Token, options and payload are views of `bytes`: who keeps them copies them. */
export function parseMessage(bytes: Uint8Array): Parsed {
  if (bytes.length < 4) return { ok: false, error: "short" };
  const first = byteAt(bytes, 0);
  if (first >> 6 !== VERSION) return { ok: false, error: "version" };
  const type = MESSAGE_TYPES[(first >> 4) & 3] ?? "RST";
  const messageId = byteAt(bytes, 2) * 256 + byteAt(bytes, 3);
  const fail = (error: FormatError): Parsed => ({ ok: false, error, type, messageId });
  const tokenLength = first & 0x0f;
  if (tokenLength > MAX_TOKEN) return fail("token_length");
  const code = CODES[byteAt(bytes, 1)] ?? "0.00";
  if (code === "0.00" && bytes.length > 4) return fail("empty");
  if (code.startsWith("1") || code.startsWith("6") || code.startsWith("7")) return fail("reserved_code");
  if (4 + tokenLength > bytes.length) return fail("truncated");
  const token = bytes.subarray(4, 4 + tokenLength);
  const options = parseOptions(bytes, 4 + tokenLength);
  if (typeof options === "string") return fail(options);
  const payload = options.end < bytes.length ? bytes.subarray(options.end + 1) : EMPTY;
  if (options.end < bytes.length && payload.length === 0) return fail("marker");
  return { ok: true, message: { type, code, messageId, token, options: options.list, payload } };
}

/** The options from `start`, and where they end: at the payload marker or at the end. */
function parseOptions(bytes: Uint8Array, start: number): { list: Option[]; end: number } | FormatError {
  const list: Option[] = [];
  let at = start;
  let number = 0;
  while (at < bytes.length && byteAt(bytes, at) !== PAYLOAD_MARKER) {
    if (list.length === MAX_OPTIONS) return "too_many_options";
    const head = byteAt(bytes, at++);
    const delta = extended(bytes, at, head >> 4);
    if (typeof delta === "string") return delta;
    at += delta.size;
    const length = extended(bytes, at, head & 0x0f);
    if (typeof length === "string") return length;
    at += length.size;
    number += delta.value;
    if (number > 0xffff) return "option";
    if (at + length.value > bytes.length) return "truncated";
    list.push({ number, value: bytes.subarray(at, at + length.value) });
    at += length.value;
  }
  return { list, end: at };
}

/** A delta or length whose nibble is 13 or 14 goes on in one or two bytes; 15 is reserved (RFC 7252 3.1). */
function extended(bytes: Uint8Array, at: number, nibble: number): { value: number; size: number } | FormatError {
  if (nibble < 13) return { value: nibble, size: 0 };
  if (nibble === 15) return "option";
  const size = nibble - 12;
  if (at + size > bytes.length) return "truncated";
  if (size === 1) return { value: byteAt(bytes, at) + 13, size };
  return { value: byteAt(bytes, at) * 256 + byteAt(bytes, at + 1) + 269, size };
}

/** Only for indexes that were checked against the length before. */
function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

/** Writes a message. Options may be in any order. Throws RangeError on what no message can hold: a fault of the caller. */
export function encodeMessage(message: Message): Uint8Array {
  if (message.token.length > MAX_TOKEN) throw new RangeError(`a token has at most ${MAX_TOKEN} bytes`);
  const options = message.options.toSorted((a, b) => a.number - b.number);
  let size = 4 + message.token.length + (message.payload.length > 0 ? 1 + message.payload.length : 0);
  for (const option of options) size += 5 + option.value.length;
  const bytes = new Uint8Array(size);
  bytes[0] = (VERSION << 6) | (MESSAGE_TYPES.indexOf(message.type) << 4) | message.token.length;
  bytes[1] = codeByte(message.code);
  bytes[2] = message.messageId >> 8;
  bytes[3] = message.messageId;
  bytes.set(message.token, 4);
  let at = 4 + message.token.length;
  let previous = 0;
  for (const option of options) {
    at = writeOption(bytes, at, option.number - previous, option.value);
    previous = option.number;
  }
  if (message.payload.length > 0) {
    bytes[at++] = PAYLOAD_MARKER;
    bytes.set(message.payload, at);
    at += message.payload.length;
  }
  return bytes.subarray(0, at);
}

/** An acknowledgement or reset without a response in it (RFC 7252 4.1). */
export function emptyMessage(type: MessageType, messageId: number): Uint8Array {
  return encodeMessage({ type, code: "0.00", messageId, token: EMPTY, options: [], payload: EMPTY });
}

function writeOption(bytes: Uint8Array, start: number, delta: number, value: Uint8Array): number {
  let at = start + 1;
  bytes[start] = (nibbleOf(delta) << 4) | nibbleOf(value.length);
  for (const number of [delta, value.length]) {
    if (number >= 269) {
      bytes[at++] = (number - 269) >> 8;
      bytes[at++] = number - 269;
    } else if (number >= 13) {
      bytes[at++] = number - 13;
    }
  }
  bytes.set(value, at);
  return at + value.length;
}

function nibbleOf(number: number): number {
  if (number > 0xffff + 269) throw new RangeError(`${number} is beyond what an option can hold`);
  return number < 13 ? number : number < 269 ? 13 : 14;
}
