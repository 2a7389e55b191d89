import { DtlsError } from "../errors.js";

/** Reads the presentation language of RFC 5246 4 field by field. Each step throws DtlsError DECODE_ERROR beyond the end. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#skip(1)] ?? 0;
  }

  uint16(): number {
    return this.uint8() * 0x100 + this.uint8();
  }

  uint24(): number {
    return this.uint16() * 0x100 + this.uint8();
  }

  /** A view. */
  bytes(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** `opaque<min..max>` with a length of one byte. A view. */
  vector8(min: number, max = 0xff): Uint8Array {
    return this.#vector(this.uint8(), min, max);
  }

  vector16(min: number, max = 0xffff): Uint8Array {
    return this.#vector(this.uint16(), min, max);
  }

  vector24(min: number, max = 0xffffff): Uint8Array {
    return this.#vector(this.uint24(), min, max);
  }

  /** Nothing may come behind the last field. */
  end(): void {
    if (this.left > 0) throw decodeError(`${this.left} bytes behind the last field`);
  }

  #vector(length: number, min: number, max: number): Uint8Array {
    if (length < min || length > max) throw decodeError(`a vector of ${length} bytes, ${min} to ${max}`);
    return this.bytes(length);
  }

  #skip(length: number): number {
    const at = this.#at;
    if (length > this.left) throw decodeError("a field that goes on beyond the end");
    this.#at = at + length;
    return at;
  }
}

export function decodeError(message: string): DtlsError {
  return new DtlsError("DECODE_ERROR", message);
}

/** All of a vector as numbers of two bytes. */
export function uint16List(vector: Uint8Array): number[] {
  if (vector.length % 2 !== 0) throw decodeError("an odd number of bytes in a list of two-byte numbers");
  const fields = new FieldReader(vector);
  const list: number[] = [];
  while (fields.left > 0) list.push(fields.uint16());
  return list;
}

export function uint16Bytes(list: readonly number[]): Uint8Array {
  return Uint8Array.from(list.flatMap((value) => [value >> 8, value & 0xff]));
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

export function uint24(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, value >> 8, value);
}

/** The parts with their length in front, in one, two or three bytes. Throws RangeError where it does not hold it. */
export function vector(lengthBytes: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length >= 256 ** lengthBytes)
    throw new RangeError(`${length} bytes in a vector of ${lengthBytes} bytes of length`);
  const head = lengthBytes === 1 ? Uint8Array.of(length) : lengthBytes === 2 ? uint16(length) : uint24(length);
  return concat(head, ...parts);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
