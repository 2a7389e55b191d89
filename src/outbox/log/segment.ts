import { join } from "node:path";
import { crc32 } from "./crc.js";
import { LARGEST } from "./record.js";

/**
 * One file of the log, as it is known in memory. On disk: a header, then records whose sequences rise by one from `first`.
 *
 *   0  8  "WEIR-SEG"
 *   8  2  version, 1
 *  10  6  first sequence
 *  16  4  CRC-32 of the above
 */
export interface Segment {
  readonly first: number;
  readonly path: string;
  /** How many records count: those of `first` to `first + count - 1`. */
  count: number;
  /** Where those end in the file. What is behind it is not part of the log. */
  end: number;
  /** How many of them are neither acknowledged nor dropped. */
  live: number;
  /** Topic and payload bytes of those that are on disk only. */
  unread: number;
  /** Something in it cannot be read: it is set aside instead of deleted. */
  damaged: boolean;
}

export const SEGMENT_HEADER = 20;
const MAGIC = Buffer.from("WEIR-SEG");
const VERSION = 1;
const DIGITS = 15; // 2^48 has as many: names sort as the sequences do

export function segmentName(first: number): string {
  return `${String(first).padStart(DIGITS, "0")}.seg`;
}

/** What a damaged segment is kept as: `<first>.corrupt`, or `<first>-2.corrupt` where that is among the folder's `names`. */
export function corruptName(first: number, names: readonly string[]): string {
  const digits = String(first).padStart(DIGITS, "0");
  let name = `${digits}.corrupt`;
  for (let turn = 2; names.includes(name); turn += 1) name = `${digits}-${turn}.corrupt`;
  return name;
}

/** The first sequence that a file's name says, undefined where it is not a segment's name. */
export function firstOf(name: string): number | undefined {
  const first = /^\d{15}\.seg$/.test(name) ? Number(name.slice(0, DIGITS)) : 0;
  return first >= 1 && first <= LARGEST ? first : undefined;
}

export function emptySegment(folder: string, first: number): Segment {
  const path = join(folder, segmentName(first));
  return { first, path, count: 0, end: SEGMENT_HEADER, live: 0, unread: 0, damaged: false };
}

/** The sequence behind its last one. */
export function endOf(segment: Segment): number {
  return segment.first + segment.count;
}

export function encodeHeader(first: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUIntLE(first, 10, 6);
  bytes.writeUInt32LE(crc32(bytes, 0, 16), 16);
  return bytes;
}

/**
 * Whether a later Weir wrote the file, in a way that this one does not know. A header that is merely damaged says nothing that the
 * file's name and the records do not say: it is no reason to give the records up.
 */
export function fromTheFuture(header: Buffer): boolean {
  if (header.length < SEGMENT_HEADER || !header.subarray(0, 8).equals(MAGIC)) return false;
  return header.readUInt32LE(16) === crc32(header, 0, 16) && header.readUInt16LE(8) !== VERSION;
}
