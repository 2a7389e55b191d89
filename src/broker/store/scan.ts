import { codeOf, type OpenFile, readFully } from "../../outbox/log/files.js";
import { FRAME_HEADER, lengthAt, soundAt } from "./frame.js";

/** Sees the records of one sound frame, from `start` up to `end` of `bytes`, which is overwritten afterwards. */
export type Visit = (bytes: Buffer, start: number, end: number) => void;

export interface Scanned {
  /** Where the last sound frame ends. */
  readonly end: number;
  /** Bytes between sound frames that are none. */
  readonly damaged: number;
  /** Some of what is behind `end` the medium does not give. */
  readonly unreadable: boolean;
}

/** Bytes read at once: what the event loop waits for while they are decoded, a ms or two. */
const CHUNK = 256 * 1024;
/** What a medium gives or does not give. */
const SECTOR = 4096;
/** How many bytes may be summed up in vain while looking for the frame behind damage: the salt comes by chance once in 4 GiB. */
const PATIENCE = 64 * 1024 * 1024;

/**
 * Reads frames one after another, also those behind damage. Memory: 256 KiB, or the longest frame, which has to be within the
 * file. Rejects with the system's error, save where that is about the medium (EIO): what it does not give is damage.
 */
export async function scanFrames(
  file: OpenFile,
  from: number,
  size: number,
  salt: number,
  visit: Visit,
): Promise<Scanned> {
  const window = new Window(file, size);
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(salt);
  let [end, damaged, patience, failures] = [from, 0, PATIENCE, 0];
  for (let at = from; at + FRAME_HEADER <= size && patience > 0; ) {
    const start = await window.see(at, FRAME_HEADER);
    const length = lengthAt(window.bytes, start, salt);
    if (length !== undefined && length <= size - at) {
      const begin = await window.see(at, length);
      if (soundAt(window.bytes, begin, length)) {
        visit(window.bytes, begin + FRAME_HEADER, begin + length);
        damaged += at - end;
        failures = window.failures;
        at += length;
        end = at;
        continue;
      }
      patience -= length;
    }
    at = await window.find(mark, at + 1);
  }
  return { end, damaged, unreadable: window.failures > failures };
}

/** The part of a file that is in memory. */
class Window {
  bytes = Buffer.allocUnsafeSlow(CHUNK);
  /** Sectors that could not be read. */
  failures = 0;
  readonly #file: OpenFile;
  readonly #size: number;
  #base = 0;
  #filled = 0;

  constructor(file: OpenFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Where in `bytes` the `needed` bytes at `offset` are, which lie within the file. */
  async see(offset: number, needed: number): Promise<number> {
    if (offset < this.#base || offset + needed > this.#base + this.#filled) await this.#fill(offset, needed);
    return offset - this.#base;
  }

  /** The next place of `mark`, from `offset` on; the file's size where there is none. */
  async find(mark: Buffer, offset: number): Promise<number> {
    for (let from = offset; from + mark.length <= this.#size; ) {
      const start = await this.see(from, mark.length);
      const place = this.bytes.subarray(0, this.#filled).indexOf(mark, start);
      if (place >= 0) return this.#base + place;
      from = this.#base + this.#filled - mark.length + 1;
    }
    return this.#size;
  }

  async #fill(offset: number, needed: number): Promise<void> {
    // A frame of many megabytes must not be held for ever.
    const length = Math.max(CHUNK, needed);
    if (this.bytes.length !== length) this.bytes = Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
    const wanted = this.bytes.subarray(0, Math.min(length, this.#size - offset));
    // What was cut off since is read as zeros, which are no frame.
    wanted.fill(0);
    try {
      await readFully(this.#file, wanted, offset);
    } catch (error) {
      if (codeOf(error) !== "EIO") throw error;
      await this.#salvage(wanted, offset);
    }
    this.#base = offset;
    this.#filled = wanted.length;
  }

  /** Sector by sector; zeros for what cannot be read. */
  async #salvage(into: Buffer, offset: number): Promise<void> {
    for (let at = 0; at < into.length; ) {
      const sector = into.subarray(at, at + SECTOR - ((offset + at) % SECTOR));
      sector.fill(0);
      try {
        await readFully(this.#file, sector, offset + at);
      } catch (error) {
        if (codeOf(error) !== "EIO") throw error;
        this.failures += 1;
        sector.fill(0);
      }
      at += sector.length;
    }
  }
}
