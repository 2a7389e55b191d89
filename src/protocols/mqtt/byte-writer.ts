import { textFault } from "./text.js";

/** A variable byte integer, and with it the remaining length, is at most this (MQTT 5 1.5.5). */
export const MAX_VARINT = 268_435_455;
const FIRST_ROOM = 256;

/** The fields of MQTT one behind another in a growing buffer. Throws RangeError for what a field cannot hold. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_ROOM);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A view, until the next write. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  uint8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  uint16(value: number, what: string): void {
    const at = this.#grow(2);
    this.#bytes.writeUInt16BE(whole(value, 0xffff, what), at);
  }

  uint32(value: number, what: string): void {
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(whole(value, 0xffff_ffff, what), at);
  }

  varint(value: number, what: string): void {
    const at = this.#grow(varintSize(whole(value, MAX_VARINT, what)));
    putVarint(this.#bytes, at, value);
  }

  string(text: string, what: string): void {
    const start = this.#length;
    const { length } = text;
    // As in the topics of PUBLISH: what is ASCII has as many bytes as units.
    if (length <= 0xffff) {
      const at = this.#grow(2 + length);
      const bytes = this.#bytes;
      bytes[at] = length >> 8;
      bytes[at + 1] = length;
      if (putAscii(bytes, at + 2, text)) return;
      this.#length = start;
    }
    const size = textSize(text, what);
    const at = this.#grow(2 + size);
    this.#bytes.writeUInt16BE(size, at);
    this.#bytes.write(text, at + 2, "utf8");
  }

  binary(value: Uint8Array, what: string): void {
    if (value.length > 0xffff) throw new RangeError(`${what}: ${value.length} bytes, 65,535 at most`);
    const at = this.#grow(2 + value.length);
    this.#bytes.writeUInt16BE(value.length, at);
    this.#bytes.set(value, at + 2);
  }

  raw(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** Where `size` bytes go. To be called before the buffer is looked at: it may be another one then. */
  #grow(size: number): number {
    const at = this.#length;
    const length = at + size;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = length;
    return at;
  }
}

/** False where the text is not ASCII, or has U+0000. */
function putAscii(bytes: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80 || unit === 0) return false;
    bytes[at + index] = unit;
  }
  return true;
}

/** The bytes of a string in UTF-8. Throws RangeError where it cannot be one of MQTT. */
export function textSize(text: string, what: string): number {
  const fault = textFault(text);
  if (fault !== undefined) throw new RangeError(`${what}: ${fault}`);
  const size = Buffer.byteLength(text, "utf8");
  if (size > 0xffff) throw new RangeError(`${what}: ${size} bytes, 65,535 at most`);
  return size;
}

export function whole(value: number, max: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${what}: ${value}, 0 to ${max}`);
  return value;
}

/** In bytes. */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Where the next byte goes. */
export function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
