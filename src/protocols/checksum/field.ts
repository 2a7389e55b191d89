/** How a frame carries its checksum; `hex` is ASCII, most significant digit first. */
export type Carried = "u8" | "u16be" | "u16le" | "u32be" | "u32le" | "hex";

export type BinaryCarried = Exclude<Carried, "hex">;

const LAYOUTS: Readonly<Record<BinaryCarried, { readonly size: number; readonly littleEndian: boolean }>> = {
  u8: { size: 1, littleEndian: false },
  u16be: { size: 2, littleEndian: false },
  u16le: { size: 2, littleEndian: true },
  u32be: { size: 4, littleEndian: false },
  u32le: { size: 4, littleEndian: true },
};

/** In bytes. */
export function fieldSize(as: BinaryCarried): number {
  return LAYOUTS[as].size;
}

/** Undefined where the field does not lie within the frame. */
export function readField(frame: Uint8Array, at: number, as: BinaryCarried): number | undefined {
  const { size, littleEndian } = LAYOUTS[as];
  if (at + size > frame.length) return undefined;
  let value = 0;
  for (let index = 0; index < size; index += 1) {
    value = value * 256 + (frame[littleEndian ? at + size - 1 - index : at + index] ?? 0);
  }
  return value;
}

/** The field must lie within the frame. */
export function writeField(frame: Uint8Array, at: number, as: BinaryCarried, value: number): void {
  const { size, littleEndian } = LAYOUTS[as];
  for (let index = 0; index < size; index += 1) {
    frame[littleEndian ? at + index : at + size - 1 - index] = Math.floor(value / 256 ** index) & 0xff;
  }
}

/** How many hexadecimal digits stand at `at`, `most` at most. */
export function countHexDigits(frame: Uint8Array, at: number, most: number): number {
  let count = 0;
  while (count < most && hexDigit(frame[at + count]) !== undefined) count += 1;
  return count;
}

/** The number that `count` digits at `at` say; at most 8 of them. */
export function readHex(frame: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) value = value * 16 + (hexDigit(frame[at + index]) ?? 0);
  return value;
}

/** Upper case, padded to `digits`. */
export function formatHex(value: number, digits: number): Uint8Array {
  return new TextEncoder().encode(value.toString(16).toUpperCase().padStart(digits, "0"));
}

function hexDigit(byte: number | undefined): number | undefined {
  if (byte === undefined) return undefined;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined;
}
