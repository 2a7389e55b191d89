import { isUtf8 } from "node:buffer";
import { BatchError } from "./batch.js";

export type CborItem = number | boolean | string | Uint8Array | null;

/**
 * Reads the CBOR that a pack consists of, item by item, so that nothing is built that the bytes do not pay for: definite
 * lengths, integers, floats, decimal fractions (tag 4), texts, byte strings, true, false and null. Throws BatchError.
 */
export class CborReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The number of items that follow. */
  array(): number {
    return this.#expect(4, "an array");
  }

  /** The number of pairs that follow. */
  map(): number {
    return this.#expect(5, "a map");
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw this.#error("there are bytes behind the pack");
  }

  item(): CborItem {
    const first = this.#byte();
    const major = first >> 5;
    const info = first & 0x1f;
    switch (major) {
      case 0:
        return this.#argument(info);
      case 1:
        return -1 - this.#argument(info);
      case 2:
        // A copy: the message must not hold the whole batch, nor change with it.
        return Uint8Array.prototype.slice.call(this.#take(this.#argument(info)));
      case 3:
        return this.#text(this.#argument(info));
      case 6:
        return this.#decimal(this.#argument(info));
      case 7:
        return this.#simple(info);
      default:
        throw this.#error("an array or a map is where a value belongs");
    }
  }

  #text(length: number): string {
    const bytes = this.#take(length);
    if (!isUtf8(bytes)) throw this.#error("a text is not UTF-8");
    return bytes.toString();
  }

  /** By way of text, for 27315 * 10 ** -2 is not 273.15. */
  #decimal(tag: number): number {
    if (tag !== 4 || this.array() !== 2) throw this.#error("a tag is not a decimal fraction");
    const exponent = this.#integer();
    const mantissa = this.#integer();
    return Number(`${mantissa}e${exponent}`);
  }

  #integer(): number {
    const first = this.#byte();
    const value = this.#argument(first & 0x1f);
    if (first >= 0x40 || value > Number.MAX_SAFE_INTEGER)
      throw this.#error("a decimal fraction is not of two integers");
    return first >= 0x20 ? -1 - value : value;
  }

  #simple(info: number): CborItem {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 25:
        return fromHalf(this.#take(2).readUInt16BE());
      case 26:
        return this.#take(4).readFloatBE();
      case 27:
        return this.#take(8).readDoubleBE();
      default:
        throw this.#error("a simple value has no meaning");
    }
  }

  #expect(major: number, what: string): number {
    const first = this.#byte();
    if (first >> 5 !== major) throw this.#error(`${what} is missing`);
    return this.#argument(first & 0x1f);
  }

  /** The argument of an item (RFC 8949 3); beyond 2^53 the nearest number. */
  #argument(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#byte();
      case 25:
        return this.#take(2).readUInt16BE();
      case 26:
        return this.#take(4).readUInt32BE();
      case 27:
        return Number(this.#take(8).readBigUInt64BE());
      default:
        throw this.#error("a length is indefinite or reserved");
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#error("the pack ends too early");
    this.#at += 1;
    return byte;
  }

  #take(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw this.#error("the pack ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #error(problem: string): BatchError {
    return new BatchError(`${problem}, at byte ${this.#at}`);
  }
}

/** RFC 8949, appendix D. */
function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits >= 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
