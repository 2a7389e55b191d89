import { crc32 } from "../../outbox/log/crc.js";
import { Reader, sizeOfChange, sizeOfText, writeChange, writeText } from "./change.js";
import type { Change } from "./session.js";

/**
 * A bank: a snapshot, then frames that change it. Little endian; a length in bytes:
 *
 *   0  8  "WEIR-SES"
 *   8  2  version, 1
 *  10  6  generation: the sound bank with the higher one counts
 *  16  4  salt, another one for each snapshot
 *  20  4  length of the snapshot, with all of this and its CRC
 *  24     the epoch of each lane: length (2), UTF-8; the changes that make the state (change.ts); the CRC-32 of the above (4)
 *
 * A frame, which is one write; the first follows the snapshot:
 *
 *   0  4  CRC-32 of all that follows
 *   4  4  length of the frame, with these 12
 *   8  4  the bank's salt
 *  12     changes
 *
 * The salt is under the CRC: what an older snapshot's frames left behind in the bank never passes for a frame of this one.
 */
export const BANK_HEADER = 24;
const FRAME_HEADER = 12;
const CRC = 4;
const MAGIC = Buffer.from("WEIR-SES");
const VERSION = 1;
/** How many places that look like a frame are looked into behind the last sound one. Chance makes one in 2^32 bytes look so. */
const MOST_LOOKS = 16;

export type Epochs = readonly [string, string];

export interface Snapshot {
  readonly generation: number;
  readonly salt: number;
  readonly epochs: Epochs;
  /** That make the state from nothing; those of the frames come last. */
  readonly changes: readonly Change[];
}

export interface Bank extends Snapshot {
  /** Why it does not hold all that was stored in it; undefined where it does, save perhaps a last frame that was never finished. */
  readonly damage: string | undefined;
}

export function encodeSnapshot({ generation, salt, epochs, changes }: Snapshot): Buffer {
  const texts = epochs.reduce((sum, text) => sum + sizeOfText(text), 0);
  const bytes = Buffer.alloc(BANK_HEADER + texts + sizeOf(changes) + CRC);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUIntLE(generation, 10, 6);
  bytes.writeUInt32LE(salt, 16);
  bytes.writeUInt32LE(bytes.length, 20);
  const behind = epochs.reduce((at, text) => writeText(bytes, at, text), BANK_HEADER);
  const end = changes.reduce((at, change) => writeChange(bytes, at, change), behind);
  bytes.writeUInt32LE(crc32(bytes, 0, end), end);
  return bytes;
}

export function encodeFrame(salt: number, changes: readonly Change[]): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + sizeOf(changes));
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(salt, 8);
  const end = changes.reduce((at, change) => writeChange(bytes, at, change), FRAME_HEADER);
  bytes.writeUInt32LE(crc32(bytes, 4, end), 0);
  return bytes;
}

function sizeOf(changes: readonly Change[]): number {
  return changes.reduce((sum, change) => sum + sizeOfChange(change), 0);
}

/** Undefined where the snapshot is not sound: then nothing in the bank counts. */
export function decodeBank(bytes: Buffer): Bank | undefined {
  if (bytes.length < BANK_HEADER || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const length = bytes.readUInt32LE(20);
  if (length < BANK_HEADER + CRC || length > bytes.length) return undefined;
  const content = length - CRC;
  if (bytes.readUInt32LE(content) !== crc32(bytes, 0, content)) return undefined;
  const [generation, salt] = [bytes.readUIntLE(10, 6), bytes.readUInt32LE(16)];
  const bank = { generation, salt, epochs: ["", ""] as Epochs, changes: [] };
  const version = bytes.readUInt16LE(8);
  if (version !== VERSION) return { ...bank, damage: `a Weir of another version wrote it (format ${version})` };
  try {
    const reader = new Reader(bytes.subarray(BANK_HEADER, content));
    const epochs: Epochs = [reader.text(), reader.text()];
    const changes = reader.changes();
    let at = length;
    for (let end = frameEnd(bytes, at, salt); end !== undefined; end = frameEnd(bytes, at, salt)) {
      for (const change of new Reader(bytes.subarray(at + FRAME_HEADER, end)).changes()) changes.push(change);
      at = end;
    }
    // Frames are written one after another: one that is sound behind one that is not means that this one was sound once.
    const damage = frameBehind(bytes, at, salt) ? `what was written at ${at} of a bank is damaged` : undefined;
    return { generation, salt, epochs, changes, damage };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...bank, damage: "it holds what no Weir of this version writes" };
  }
}

/** Where the frame at `at` ends, undefined where none is sound there. */
function frameEnd(bytes: Buffer, at: number, salt: number): number | undefined {
  if (at + FRAME_HEADER > bytes.length || bytes.readUInt32LE(at + 8) !== salt) return undefined;
  const end = at + bytes.readUInt32LE(at + 4);
  if (end < at + FRAME_HEADER || end > bytes.length) return undefined;
  return bytes.readUInt32LE(at) === crc32(bytes, at + 4, end) ? end : undefined;
}

function frameBehind(bytes: Buffer, from: number, salt: number): boolean {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(salt);
  let looks = 0;
  for (let at = bytes.indexOf(mark, from + 9); at >= 0 && looks < MOST_LOOKS; at = bytes.indexOf(mark, at + 1)) {
    if (frameEnd(bytes, at - 8, salt) !== undefined) return true;
    looks += 1;
  }
  return false;
}
