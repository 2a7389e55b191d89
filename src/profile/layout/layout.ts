import type { Rule } from "../schema/fields.js";
import type { Raw } from "../value.js";

/** A frame as bytes and as text. The text is made when it is first asked for. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** UTF-8 where the bytes are; Latin-1 otherwise, so that a stray byte (a binary checksum) spoils nothing. */
  readonly text: string;
  /** The bytes of a text in the same encoding. */
  encode(text: string): Uint8Array;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

export function frameOf(bytes: Uint8Array): Frame {
  let decoded: { text: string; latin1: boolean } | undefined;
  function decode(): { text: string; latin1: boolean } {
    try {
      decoded ??= { text: strict.decode(bytes), latin1: false };
    } catch {
      // Not UTF-8: not an error, the device may well speak Latin-1.
      decoded = { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"), latin1: true };
    }
    return decoded;
  }
  return {
    bytes,
    get text() {
      return decode().text;
    },
    encode: (text) => (decode().latin1 ? Uint8Array.from(Buffer.from(text, "latin1")) : utf8.encode(text)),
  };
}

/** Why a frame cannot be this message's. */
export interface Unreadable {
  readonly reason: string;
}

/** Raw values by resource. What the frame does not carry is left out. */
export type Raws = ReadonlyMap<string, Raw>;

/** Where the values of one message stand. The same places are read and written. */
export interface Layout {
  readonly fields: ReadonlyMap<string, Rule>;
  /** Never throws; linear in the frame. */
  read(frame: Frame): Raws | Unreadable;
  /** A copy of a frame with other values in it. Throws a RangeError for a value that has no room there. */
  write(frame: Frame, values: Raws): Uint8Array;
}

export function isUnreadable(result: object): result is Unreadable {
  return "reason" in result;
}
