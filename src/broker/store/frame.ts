import { crc32 } from "../../outbox/log/crc.js";

/**
 * Records are stored in frames: some of them together, written in one go. Little endian; a length in bytes:
 *
 *   0  4  the file's salt
 *   4  4  length of the frame, with these 12
 *   8  4  CRC-32 of all that follows, exclusive or the length
 *  12     records (record.ts)
 *
 * The salt is drawn by chance for each file and is in its name: what a client sent never passes for a frame, nor does what an
 * older file left behind; and after damage the next frame is found by it.
 */
export const FRAME_HEADER = 12;
/** A frame holds one publication at least, of MQTT's largest packet (2.2.3), and what refers to it. */
export const LONGEST_FRAME = 2 ** 28 + 2 ** 22;

/** A place in a buffer with records at `start + FRAME_HEADER` up to `end`. */
export interface Frame {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Fills in the header, for the file that has that salt. */
export function seal({ bytes, start, end }: Frame, salt: number): void {
  bytes.writeUInt32LE(salt, start);
  bytes.writeUInt32LE(end - start, start + 4);
  bytes.writeUInt32LE(sumOf(bytes, start, end), start + 8);
}

/** The length that the frame at `offset` claims, undefined where there is none. Needs `FRAME_HEADER` bytes there. */
export function lengthAt(bytes: Buffer, offset: number, salt: number): number | undefined {
  if (bytes.readUInt32LE(offset) !== salt) return undefined;
  const length = bytes.readUInt32LE(offset + 4);
  return length > FRAME_HEADER && length <= LONGEST_FRAME ? length : undefined;
}

/** Whether all `length` bytes at `offset` are the frame that they claim to be. */
export function soundAt(bytes: Buffer, offset: number, length: number): boolean {
  return bytes.readUInt32LE(offset + 8) === sumOf(bytes, offset, offset + length);
}

function sumOf(bytes: Buffer, start: number, end: number): number {
  return (crc32(bytes, start + FRAME_HEADER, end) ^ (end - start)) >>> 0;
}
