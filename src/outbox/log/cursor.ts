import { crc32 } from "./crc.js";
import { codeOf, type Files, type OpenFile, persistently, readFully, writeFully } from "./files.js";
import type { Range } from "./ranges.js";

/** How far the upstream has come. */
export interface Position {
  /** Every sequence up to this one is acknowledged or dropped. */
  readonly acknowledged: number;
  /** Every sequence below this one was stored: whatever of those is not there is lost. */
  readonly stored: number;
  /** Beyond that, sequences that are gone for a known reason: their segment was deleted (all of it dropped), or a loss was reported. */
  readonly gone: readonly Range[];
}

/**
 * The cursor's file: two slots written in turn, so that a write that is torn leaves the other one. They are a page apart, since
 * a page (on flash often more than a sector) is what a power cut tears. One slot, little endian:
 *
 *   0  8  "WEIR-CUR"
 *   8  6  generation: the slot with the higher one counts
 *  14  6  acknowledged
 *  20  6  stored
 *  26  2  how many ranges are gone
 *  28     each range: first (6), last (6); then the CRC-32 of the above (4)
 */
const MAGIC = Buffer.from("WEIR-CUR");
const FIXED = 28;
const RANGE = 12;
const APART = 4096;
/** Ranges that a slot has room for. They touch, and then are one, unless messages that were taken long ago lie between them. */
export const MOST_RANGES = 256;

interface Slot extends Position {
  readonly generation: number;
}

function encodeSlot({ generation, acknowledged, stored, gone }: Slot): Buffer {
  const bytes = Buffer.alloc(FIXED + RANGE * gone.length + 4);
  MAGIC.copy(bytes);
  bytes.writeUIntLE(generation, 8, 6);
  bytes.writeUIntLE(acknowledged, 14, 6);
  bytes.writeUIntLE(stored, 20, 6);
  bytes.writeUInt16LE(gone.length, 26);
  for (const [index, { first, last }] of gone.entries()) {
    bytes.writeUIntLE(first, FIXED + RANGE * index, 6);
    bytes.writeUIntLE(last, FIXED + RANGE * index + 6, 6);
  }
  bytes.writeUInt32LE(crc32(bytes, 0, bytes.length - 4), bytes.length - 4);
  return bytes;
}

function decodeSlot(bytes: Buffer): Slot | undefined {
  if (bytes.length < FIXED + 4 || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const count = bytes.readUInt16LE(26);
  const end = FIXED + RANGE * count;
  if (count > MOST_RANGES || end + 4 > bytes.length || bytes.readUInt32LE(end) !== crc32(bytes, 0, end))
    return undefined;
  const gone = Array.from({ length: count }, (_, index) => ({
    first: bytes.readUIntLE(FIXED + RANGE * index, 6),
    last: bytes.readUIntLE(FIXED + RANGE * index + 6, 6),
  }));
  const number = (at: number): number => bytes.readUIntLE(at, 6);
  return { generation: number(8), acknowledged: number(14), stored: number(20), gone };
}

/** The newer sound slot. */
function newest(bytes: Buffer): Slot | undefined {
  const [a, b] = [decodeSlot(bytes.subarray(0, APART)), decodeSlot(bytes.subarray(APART, 2 * APART))];
  return a !== undefined && (b === undefined || a.generation > b.generation) ? a : b;
}

/** The file itself. Its methods are not for two calls at a time. */
export class CursorFile {
  readonly #files: Files;
  readonly #path: string;
  #file: OpenFile | undefined;
  #generation = 0;
  /** Written since the last sync. */
  dirty = false;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** The last position written, undefined where there is none that is sound. Rejects where the file is there but cannot be read. */
  async read(): Promise<Position | undefined> {
    const bytes = Buffer.alloc(2 * APART);
    try {
      const file = await persistently(() => this.#files.open(this.#path, "read"));
      try {
        await readFully(file, bytes, 0);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!["ENOENT", "EIO"].includes(codeOf(error))) throw error;
    }
    const slot = newest(bytes);
    this.#generation = slot?.generation ?? 0;
    return slot;
  }

  async write(position: Position): Promise<void> {
    this.#file ??= await this.#open();
    const generation = this.#generation + 1;
    await writeFully(this.#file, encodeSlot({ generation, ...position }), (generation % 2) * APART);
    this.#generation = generation;
    this.dirty = true;
  }

  /** Resolves once what was written is on the medium. */
  async sync(): Promise<void> {
    if (!this.dirty || this.#file === undefined) return;
    this.dirty = false;
    try {
      await this.#file.sync();
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<OpenFile> {
    try {
      return await this.#files.open(this.#path, "update");
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    const file = await this.#files.open(this.#path, "create");
    try {
      // All of it now: later writes are to need no space on a disk that is full.
      await writeFully(file, Buffer.alloc(2 * APART), 0);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
