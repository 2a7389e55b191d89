import { messageOf } from "../../core/errors.js";
import { attempt, codeOf, type Files, type OpenFile } from "./files.js";
import type { SegmentLog } from "./log.js";
import type { ReadAhead, Slot } from "./read-ahead.js";
import { appendedAt, expiresOf, messageAt, RECORD_HEADER } from "./record.js";
import { type Place, Scanner } from "./scan.js";
import { endOf, SEGMENT_HEADER, type Segment } from "./segment.js";

/** The rest of a segment, which cannot be read. */
export interface LostPart {
  readonly segment: Segment;
  readonly first: number;
  readonly records: number;
  /** Topics and payloads of those. */
  readonly bytes: number;
  readonly why: string;
}

export interface LoaderOptions {
  readonly files: Files;
  readonly log: SegmentLog;
  readonly ahead: ReadAhead;
  /** Where the first record is that is not acknowledged. */
  readonly start: Place;
  /** Something was loaded, or nothing is left to load. */
  readonly onLoaded: () => void;
  readonly onLost: (part: LostPart) => void;
  /** A file could not be opened or read; it is tried again. */
  readonly onTrouble: (what: string) => void;
  /** Before it tries again, in ms. */
  readonly retry: number;
}

/** A segment whose medium could not be read that often in a row is given up. */
const TRIES = 5;

/**
 * Reads from the segments, in order, what is not in memory: as much as the read-ahead has room for, one load at a time.
 *
 * Invariant: all sequences below `#sequence` were put into the read-ahead or given up, each once; none from it on.
 */
export class Loader {
  readonly #options: LoaderOptions;
  readonly #scanner = new Scanner();
  /** What comes next, and where it is unless a segment begins with it. */
  #sequence: number;
  #offset: number;
  #running: Promise<void> | undefined;
  #open: { readonly segment: Segment; readonly file: OpenFile } | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#sequence = options.start.sequence;
    this.#offset = options.start.offset;
  }

  /** Whether the log has entries that were never in memory. */
  get behind(): boolean {
    return this.#sequence < this.#options.log.next;
  }

  /** The lowest sequence that was never in memory. */
  get next(): number {
    return this.#sequence;
  }

  /** Whether the entry that was just written with this sequence may be handed over instead of being read. */
  expects(sequence: number): boolean {
    return this.#running === undefined && sequence === this.#sequence && this.#options.ahead.roomy;
  }

  /** Takes the entry that it expects, written at `offset`, into the read-ahead. */
  pass(slot: Slot, offset: number): void {
    slot.segment.unread -= slot.size;
    this.#options.ahead.add(slot);
    this.#sequence += 1;
    this.#offset = offset + RECORD_HEADER + slot.size;
  }

  /** Begins to read if there is something to read and room for it. */
  load(): void {
    if (this.#running !== undefined || this.#timer !== undefined || this.#closed) return;
    if (!this.behind || !this.#options.ahead.low) return;
    this.#running = this.#run().then((done) => {
      this.#running = undefined;
      if (!done) this.#later();
      this.#options.onLoaded();
    });
  }

  /** Resolves once no load is running. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#release();
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.load();
    }, this.#options.retry);
  }

  /** True when it got as far as it should. Never rejects. */
  async #run(): Promise<boolean> {
    const { log, ahead, onTrouble } = this.#options;
    while (this.behind && ahead.roomy && !this.#closed) {
      const segment = log.segments.find((one) => endOf(one) > this.#sequence);
      if (segment === undefined) {
        this.#sequence = log.next; // the rest was lost
        break;
      }
      try {
        await this.#read(segment);
        this.#failures = 0;
        // A file that is open takes room on the disk even after it was deleted.
        if (this.#sequence >= endOf(segment)) await this.#release();
      } catch (error) {
        await this.#release();
        onTrouble(`${segment.path}: ${messageOf(error)}`);
        // Too many open files, or memory, come back. A file that is gone or a bad sector rarely does.
        if (!["EIO", "ENOENT"].includes(codeOf(error))) return false;
        this.#failures += 1;
        if (this.#failures < TRIES) return false;
        this.#giveUp(segment, messageOf(error));
      }
    }
    return true;
  }

  async #read(segment: Segment): Promise<void> {
    const { ahead } = this.#options;
    const file = await this.#fileOf(segment);
    if (this.#sequence <= segment.first) {
      this.#sequence = segment.first;
      this.#offset = SEGMENT_HEADER;
    }
    const place = { offset: this.#offset, sequence: this.#sequence };
    const until = { offset: segment.end, sequence: endOf(segment) };
    const { why } = await this.#scanner.scan(file, place, until, (buffer, at, length, sequence) => {
      const size = length - RECORD_HEADER;
      segment.unread -= size;
      const times = { appended: appendedAt(buffer, at), expires: expiresOf(buffer, at) };
      ahead.add({ sequence, size, segment, ...times, message: messageAt(buffer, at, length) });
      // At once: what follows may fail, and this one is not to be read twice.
      this.#sequence = sequence + 1;
      this.#offset += length;
      return ahead.roomy;
    });
    if (why === "bad") this.#giveUp(segment, "a record is damaged");
  }

  #giveUp(segment: Segment, why: string): void {
    this.#failures = 0;
    const first = Math.max(this.#sequence, segment.first);
    const records = endOf(segment) - first;
    const bytes = segment.unread;
    segment.count -= records;
    segment.unread = 0;
    segment.damaged = true;
    this.#sequence = first + records;
    this.#options.onLost({ segment, first, records, bytes, why });
  }

  async #fileOf(segment: Segment): Promise<OpenFile> {
    if (this.#open?.segment === segment) return this.#open.file;
    await this.#release();
    const file = await this.#options.files.open(segment.path, "read");
    this.#open = { segment, file };
    return file;
  }

  async #release(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    if (file !== undefined) await attempt(file.close());
  }
}
