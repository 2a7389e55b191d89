import type { Algorithm } from "./crc.js";

/** What is carried in place of the number itself: its bits inverted, or what brings it to 0. */
export type Complement = "ones" | "twos";

/** All bytes added up, modulo 2 ** width. */
export function createSum(width: 8 | 16, complement: Complement | undefined): Algorithm {
  const mask = 2 ** width - 1;
  return (bytes) => {
    let sum = 0;
    for (const byte of bytes) sum = (sum + byte) & mask;
    return complemented(sum, mask, complement);
  };
}

/** All bytes combined by exclusive or. */
export function createXor(complement: Complement | undefined): Algorithm {
  return (bytes) => {
    let xor = 0;
    for (const byte of bytes) xor ^= byte;
    return complemented(xor, 0xff, complement);
  };
}

function complemented(value: number, mask: number, complement: Complement | undefined): number {
  if (complement === undefined) return value;
  return (complement === "ones" ? ~value : -value) & mask;
}
