/** Writes what a pack consists of (RFC 8949 3). Numbers are integers, decimal fractions (RFC 8428 6) or doubles. */
export class CborWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  array(length: number): void {
    this.#head(4, length);
  }

  map(size: number): void {
    this.#head(5, size);
  }

  bytes(bytes: Uint8Array): void {
    this.#head(2, bytes.length);
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#head(3, length);
    const at = this.#grow(length);
    this.#bytes.write(text, at);
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xf5 : 0xf4);
  }

  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.#integer(value);
    } else if (!this.#decimal(value)) {
      this.#byte(0xfb);
      const at = this.#grow(8);
      this.#bytes.writeDoubleBE(value, at);
    }
  }

  /**
   * 21.37 as 2137 times ten to the -2: 6 bytes, where a double has 9. For 21.5 a half-precision float has 3 and this has 5, but
   * where all values are written in one way zlib and zstd make less of them: measured.
   */
  #decimal(value: number): boolean {
    const [, sign, whole = "", fraction = ""] = /^(-?)(\d+)\.(\d+)$/.exec(String(value)) ?? [];
    const mantissa = Number(whole + fraction);
    if (fraction === "" || mantissa >= 2 ** 32) return false;
    this.#head(6, 4);
    this.#head(4, 2);
    this.#integer(-fraction.length);
    this.#integer(sign === "-" ? -mantissa : mantissa);
    return true;
  }

  #integer(value: number): void {
    if (value < 0) this.#head(1, -1 - value);
    else this.#head(0, value);
  }

  /** Major type and argument (RFC 8949 3). */
  #head(major: number, argument: number): void {
    const type = major << 5;
    if (argument < 24) {
      this.#byte(type | argument);
    } else if (argument < 2 ** 8) {
      this.#byte(type | 24);
      this.#byte(argument);
    } else if (argument < 2 ** 16) {
      this.#byte(type | 25);
      const at = this.#grow(2);
      this.#bytes.writeUInt16BE(argument, at);
    } else if (argument < 2 ** 32) {
      this.#byte(type | 26);
      const at = this.#grow(4);
      this.#bytes.writeUInt32BE(argument, at);
    } else {
      this.#byte(type | 27);
      const at = this.#grow(8);
      this.#bytes.writeBigUInt64BE(BigInt(argument), at);
    }
  }

  #byte(byte: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = byte;
  }

  /** Makes room for so many bytes and gives where they belong. `this.#bytes` may be another buffer afterwards. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
