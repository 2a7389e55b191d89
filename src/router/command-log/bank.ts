import { crc32 } from "../../outbox/log/crc.js";
import { decodeNotes, encodeNote, type Note } from "./entry.js";

/**
 * A bank: a header, then frames. Little endian; a length in bytes:
 *
 *   0  8  "WEIR-CMD"
 *   8  2  version, 1
 *  10  6  generation: the sound bank with the higher one counts
 *  16  4  salt, another one each time the bank is begun
 *  20  4  CRC-32 of the above
 *
 * A frame, which is one write; the first one is a snapshot of all that is known, written with the header:
 *
 *   0  4  CRC-32 of all that follows
 *   4  4  length of the frame, with these 12
 *   8  4  the bank's salt: what its former content left behind never passes for a frame
 *  12     notes: a JSON array in UTF-8 (entry.ts)
 */
export const BANK_HEADER = 24;
const FRAME_HEADER = 12;
const MAGIC = Buffer.from("WEIR-CMD");
const VERSION = 1;
/** How many places that look like a frame are looked into for each one that is sound. Chance makes one in 2^32 bytes look so. */
const MOST_LOOKS = 16;

export interface Bank {
  readonly generation: number;
  /** In the order in which they were written. */
  readonly notes: readonly Note[];
  /** Why it does not hold all that was stored in it; undefined where it does, save perhaps a last frame that was never finished. */
  readonly damage: string | undefined;
}

export function encodeBank(generation: number, salt: number, notes: Iterable<Note>): Buffer {
  const header = Buffer.alloc(BANK_HEADER);
  MAGIC.copy(header);
  header.writeUInt16LE(VERSION, 8);
  header.writeUIntLE(generation, 10, 6);
  header.writeUInt32LE(salt, 16);
  header.writeUInt32LE(crc32(header, 0, 20), 20);
  return Buffer.concat([header, encodeFrame(salt, notes)]);
}

export function encodeFrame(salt: number, notes: Iterable<Note>): Buffer {
  const content = Buffer.from(`[${Array.from(notes, encodeNote).join(",")}]`);
  const bytes = Buffer.concat([Buffer.alloc(FRAME_HEADER), content]);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(salt, 8);
  bytes.writeUInt32LE(crc32(bytes, 4, bytes.length), 0);
  return bytes;
}

/** Undefined where the header or the snapshot is not sound: then nothing in the bank counts. */
export function decodeBank(bytes: Buffer): Bank | undefined {
  if (bytes.length < BANK_HEADER || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(20) !== crc32(bytes, 0, 20)) return undefined;
  const [version, generation, salt] = [bytes.readUInt16LE(8), bytes.readUIntLE(10, 6), bytes.readUInt32LE(16)];
  if (version !== VERSION) {
    return { generation, notes: [], damage: `a Weir of another version wrote it (format ${version})` };
  }
  if (frameEnd(bytes, BANK_HEADER, salt) === undefined) return undefined;
  const notes: Note[] = [];
  let damage: string | undefined;
  for (let at = BANK_HEADER; ; ) {
    const end = frameEnd(bytes, at, salt);
    if (end !== undefined) {
      const read = decodeNotes(bytes.toString("utf8", at + FRAME_HEADER, end));
      if (read === undefined) damage ??= `what was written at ${at} of a bank is none of this version`;
      for (const note of read ?? []) notes.push(note);
      at = end;
      continue;
    }
    // Frames are written one after another: one that is sound behind one that is not means that this one was sound once.
    const next = frameBehind(bytes, at, salt);
    if (next === undefined) return { generation, notes, damage };
    damage ??= `what was written at ${at} of a bank is damaged`;
    at = next;
  }
}

/** Where the frame at `at` ends, undefined where none is sound there. */
function frameEnd(bytes: Buffer, at: number, salt: number): number | undefined {
  if (at + FRAME_HEADER > bytes.length || bytes.readUInt32LE(at + 8) !== salt) return undefined;
  const end = at + bytes.readUInt32LE(at + 4);
  if (end < at + FRAME_HEADER || end > bytes.length) return undefined;
  return bytes.readUInt32LE(at) === crc32(bytes, at + 4, end) ? end : undefined;
}

/** Where the next sound frame begins. */
function frameBehind(bytes: Buffer, from: number, salt: number): number | undefined {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(salt);
  let at = bytes.indexOf(mark, from + 9);
  for (let looks = 0; at >= 0 && looks < MOST_LOOKS; looks += 1) {
    if (frameEnd(bytes, at - 8, salt) !== undefined) return at - 8;
    at = bytes.indexOf(mark, at + 1);
  }
  return undefined;
}
