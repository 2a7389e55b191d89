import { type OpenFile, readFully } from "./files.js";
import { lengthAt, RECORD_HEADER, sequenceAt, soundAt } from "./record.js";

/** Between two records: the next one begins at `offset` and should have `sequence`. */
export interface Place {
  readonly offset: number;
  readonly sequence: number;
}

export interface Scanned extends Place {
  /**
   * `end`: the bound was reached. `stopped`: `visit` wanted no more. `bad`: what is at `offset` is not the record of `sequence`.
   */
  readonly why: "end" | "stopped" | "bad";
}

/** Sees one sound record at `at` of `buffer`, which is overwritten afterwards. False ends the scan behind it. */
export type Visit = (buffer: Buffer, at: number, length: number, sequence: number) => boolean;

/** Bytes read at once. Checked and decoded in one go, so it is also what the event loop waits for: about half a millisecond. */
const CHUNK = 256 * 1024;

/** Reads records one after another through one buffer. Not for two scans at a time. */
export class Scanner {
  #buffer = Buffer.alloc(0);
  /** Bytes of the file that are in the buffer, from `#base` on. */
  #base = 0;
  #filled = 0;

  /**
   * From `place` up to, not including, `until.offset` and `until.sequence`. Rejects with the system's error where the file
   * cannot be read; `visit` has seen what came before. Memory: 256 KiB, or the longest record, which `until.offset` bounds.
   */
  async scan(file: OpenFile, place: Place, until: Place, visit: Visit): Promise<Scanned> {
    let { offset, sequence } = place;
    // A record of many megabytes must not be held for ever.
    if (this.#buffer.length !== CHUNK) this.#buffer = Buffer.allocUnsafeSlow(CHUNK);
    this.#filled = 0;
    while (offset < until.offset && sequence < until.sequence) {
      const left = until.offset - offset;
      // Most are in the buffer, and need not wait for a promise.
      const begun = left >= RECORD_HEADER && this.#has(offset, RECORD_HEADER);
      if (!begun && !(await this.#fill(file, offset, RECORD_HEADER, left))) break;
      const length = lengthAt(this.#buffer, offset - this.#base);
      if (length === undefined || length > left) break;
      if (!this.#has(offset, length) && !(await this.#fill(file, offset, length, left))) break;
      const at = offset - this.#base;
      if (sequenceAt(this.#buffer, at) !== sequence || !soundAt(this.#buffer, at, length)) break;
      const more = visit(this.#buffer, at, length, sequence);
      offset += length;
      sequence += 1;
      if (!more) return { offset, sequence, why: "stopped" };
    }
    const done = offset >= until.offset || sequence >= until.sequence;
    return { offset, sequence, why: done ? "end" : "bad" };
  }

  #has(offset: number, needed: number): boolean {
    return offset >= this.#base && offset + needed <= this.#base + this.#filled;
  }

  /** Reads on from `offset`. False where the file has fewer than the `needed` bytes there, of the `left` that it should have. */
  async #fill(file: OpenFile, offset: number, needed: number, left: number): Promise<boolean> {
    if (needed > left) return false;
    if (this.#buffer.length < needed) this.#buffer = Buffer.allocUnsafeSlow(needed);
    this.#filled = 0;
    const wanted = Math.min(this.#buffer.length, left);
    this.#filled = await readFully(file, this.#buffer.subarray(0, wanted), offset);
    this.#base = offset;
    return this.#filled >= needed;
  }
}

/** Of a damaged last segment, no more than this is looked through: 16 MiB, two segments of the usual length. */
const SEARCHED = 16 * 1024 * 1024;
/** How many bytes may be summed up in all while looking. What devices sent may look like records, at every byte. */
const PATIENCE = 4 * SEARCHED;

/**
 * The last sequence of which there is a sound record behind `place`, where `place` itself has none; undefined where nothing sound
 * follows, as after a torn write. Tells damage in the middle from a torn end.
 */
export async function findLater(file: OpenFile, place: Place, size: number): Promise<number | undefined> {
  const buffer = Buffer.alloc(Math.max(0, Math.min(SEARCHED, size - place.offset)));
  const got = await readFully(file, buffer, place.offset);
  const ceiling = place.sequence + Math.ceil(got / RECORD_HEADER);
  let patience = PATIENCE;
  let found: number | undefined;
  for (let at = 1; at + RECORD_HEADER <= got && patience > 0; ) {
    const sequence = sequenceAt(buffer, at);
    const length = sequence > (found ?? place.sequence) && sequence < ceiling ? lengthAt(buffer, at) : undefined;
    const whole = length !== undefined && at + length <= got;
    if (whole) patience -= length;
    if (whole && soundAt(buffer, at, length)) {
      found = sequence;
      at += length;
    } else at += 1;
  }
  return found;
}
