/** A frame's content does not hold what it should: it was not written by this Weir. */
export class Malformed extends Error {}

/** Longer texts, and those that are not ASCII, are worth a call into the system's encoder. */
const SHORT = 64;

/** Writes fields into a buffer that has room for them: its owner sees to that. Numbers are LEB128: 7 bits a byte, low ones first. */
export class ByteWriter {
  bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    let rest = value;
    // Beyond 31 bits JavaScript's shifts are wrong.
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 0x80;
    for (; rest >= 128; rest >>>= 7) this.bytes[this.at++] = rest | 0x80;
    this.bytes[this.at++] = rest;
  }

  text(value: string): void {
    if (value.length <= SHORT && this.#ascii(value)) return;
    const length = Buffer.byteLength(value);
    this.number(length);
    this.at += this.bytes.write(value, this.at);
  }

  blob(value: Uint8Array): void {
    this.number(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  #ascii(value: string): boolean {
    const start = this.at;
    this.bytes[this.at++] = value.length;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.at = start;
        return false;
      }
      this.bytes[this.at++] = code;
    }
    return true;
  }
}

/** What a field takes at most. */
export const MOST_NUMBER = 8;

export function mostOfText(value: string): number {
  return MOST_NUMBER + 3 * value.length; // UTF-8 of one UTF-16 unit
}

/** Reads what ByteWriter wrote, and nothing beyond `end`: throws Malformed. Copies. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get more(): boolean {
    return this.#at < this.#end;
  }

  byte(): number {
    if (this.#at >= this.#end) throw new Malformed("it ends within a field");
    return this.#bytes[this.#at++] as number;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new Malformed("a number is too large");
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const start = this.#skip(this.number());
    return this.#bytes.toString("utf8", start, this.#at);
  }

  blob(): Buffer {
    const start = this.#skip(this.number());
    const copy = Buffer.allocUnsafe(this.#at - start);
    this.#bytes.copy(copy, 0, start, this.#at);
    return copy;
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw new Malformed("a field is longer than the frame");
    this.#at += length;
    return start;
  }
}
