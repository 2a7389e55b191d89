/** A CRC in the terms of the Rocksoft model and the CRC RevEng catalogue. */
export interface CrcParameters {
  readonly width: 8 | 16 | 32;
  /** The polynomial without its highest term, most significant bit first. */
  readonly poly: number;
  /** The register before the first byte. */
  readonly init: number;
  /** Whether bytes enter least significant bit first. */
  readonly refin: boolean;
  /** Whether the register is reflected before `xorout`. */
  readonly refout: boolean;
  readonly xorout: number;
}

/** A number over some bytes, from 0 to 2 ** width - 1. */
export type Algorithm = (bytes: Uint8Array) => number;

/** Builds the table (1 kB) once; a byte then costs one look-up. Throws a RangeError for a parameter that does not fit the width. */
export function createCrc(parameters: CrcParameters): Algorithm {
  const { width, poly, init, refin, refout, xorout } = parameters;
  for (const [name, value] of Object.entries({ poly, init, xorout })) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** width) {
      throw new RangeError(`${name}: must be a whole number of ${width} bits`);
    }
  }
  if (poly % 2 === 0)
    throw new RangeError("poly: must be odd; an even one is written least significant bit first: turn it around");
  const mask = width === 32 ? 0xffff_ffff : (1 << width) - 1;
  const finish = (register: number): number =>
    ((refin === refout ? register : reflect(register, width)) ^ xorout) >>> 0;

  if (refin) {
    // The register is kept reflected, so that bytes need not be turned around one by one.
    const table = reflectedTable(reflect(poly, width));
    const first = reflect(init, width);
    return (bytes) => {
      let register = first;
      for (const byte of bytes) register = (register >>> 8) ^ (table[(register ^ byte) & 0xff] ?? 0);
      return finish(register);
    };
  }
  const table = plainTable(poly, width, mask);
  const top = width - 8;
  return (bytes) => {
    let register = init;
    for (const byte of bytes) register = ((register << 8) ^ (table[((register >>> top) ^ byte) & 0xff] ?? 0)) & mask;
    return finish(register);
  };
}

function reflect(value: number, width: number): number {
  let reflected = 0;
  for (let bit = 0; bit < width; bit += 1) {
    if ((value >>> bit) & 1) reflected |= 1 << (width - 1 - bit);
  }
  return reflected >>> 0;
}

function reflectedTable(poly: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let register = byte;
    for (let bit = 0; bit < 8; bit += 1) register = register & 1 ? (register >>> 1) ^ poly : register >>> 1;
    return register;
  });
}

function plainTable(poly: number, width: number, mask: number): Uint32Array {
  const highest = 1 << (width - 1);
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let register = byte << (width - 8);
    for (let bit = 0; bit < 8; bit += 1) register = register & highest ? (register << 1) ^ poly : register << 1;
    return register & mask;
  });
}
