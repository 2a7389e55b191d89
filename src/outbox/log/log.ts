import { basename, join } from "node:path";
import { attempt, type Files, type OpenFile, writeFully } from "./files.js";
import { type Content, RECORD_HEADER, writeRecord } from "./record.js";
import { corruptName, emptySegment, encodeHeader, type Segment } from "./segment.js";

export interface LogOptions {
  readonly files: Files;
  readonly folder: string;
  /** A segment that is as long is followed by a new one, in bytes. */
  readonly segmentBytes: number;
  /** False as long as nothing asked to be synced. */
  readonly syncs: () => boolean;
}

/** A message that is to be written. */
export interface Item extends Content {
  /** Topic and payload, in bytes. */
  readonly size: number;
  /** Whoever sent it waits until it is on the medium. */
  readonly waits: boolean;
}

/** Where a batch was written. */
export interface Written {
  readonly segment: Segment;
  /** Of the first record. */
  readonly sequence: number;
  readonly offset: number;
}

interface Active {
  readonly segment: Segment;
  readonly file: OpenFile;
  /** The folder was synced since the file was made. Without it the file, with all that is synced in it, may not be there after a power cut. */
  named: boolean;
}

/**
 * The segments on disk and the one that is written to.
 *
 * Invariants
 * - `segments` is in order of sequence; `count` and `end` of a segment cover records that were written whole, never one of a write
 *   that failed. A reader who holds to them never sees a half record;
 * - a segment is written to by the process that made it, and never again once a write or sync of it failed: after a failed fsync
 *   the system forgets what it did not write, so a second one that succeeds proves nothing;
 * - sequences are given when a write succeeded. A segment that follows a failed one begins with the sequence that failed, and
 *   what a segment holds from the next one's first sequence on does not count, so that a tail which could not be cut off is
 *   harmless.
 */
export class SegmentLog {
  readonly segments: Segment[];
  /** The sequence of the next record. */
  next: number;
  readonly #options: LogOptions;
  #active: Active | undefined;
  /** Records were written since the last sync. */
  #dirty = false;
  /** Gone from `segments`, still on disk. */
  #retired: Segment[] = [];
  /** What writes runs one after another. */
  #lane: Promise<unknown> = Promise.resolve();

  constructor(options: LogOptions, segments: Segment[], next: number) {
    this.#options = options;
    this.segments = segments;
    this.next = next;
  }

  /** On disk, in bytes. */
  get size(): number {
    return [...this.segments, ...this.#retired].reduce((sum, segment) => sum + segment.end, 0);
  }

  /** Resolves once all is written, and synced if `sync`; rejects with the system's error, and then none of it is in the log. */
  append(items: readonly Item[], sync: boolean): Promise<Written> {
    return this.#alone(async () => {
      for (;;) {
        const { segment, file } = await this.#writable();
        try {
          const bytes = encode(items, this.next);
          await writeFully(file, bytes, segment.end);
          this.#dirty = true;
          if (sync) await this.#syncActive();
          // Meanwhile the reader may have found it damaged. It gave up what it knew of, and this would be behind that.
          if (!segment.damaged) return this.#count(segment, items, bytes.length);
        } catch (error) {
          await this.#abandon();
          throw error;
        }
      }
    });
  }

  /**
   * Syncs what was written since the last time; false where nothing was. Rejects with the system's error; then the segment is not
   * written to again.
   */
  sync(): Promise<boolean> {
    return this.#alone(async () => {
      try {
        return await this.#syncActive();
      } catch (error) {
        await this.#abandon();
        throw error;
      }
    });
  }

  /** Tries whether there is room for `bytes`: begins a segment, fills it that far and empties it again. Rejects where there is not. */
  rehearse(bytes: number): Promise<void> {
    return this.#alone(async () => {
      const { segment, file } = await this.#writable();
      try {
        await writeFully(file, Buffer.alloc(bytes), segment.end);
        this.#dirty = true; // some file systems find the room, or the lack of it, only now
        await this.#syncActive();
        await file.truncate(segment.end);
      } catch (error) {
        await this.#abandon();
        throw error;
      }
    });
  }

  /** So many records of it are acknowledged, dropped or lost. The last one retires the segment. */
  finish(segment: Segment, records = 1): void {
    segment.live -= records;
    if (segment.live <= 0 && segment !== this.#active?.segment) this.#retire(segment);
  }

  /** Segments of which nothing is left to send. */
  get retired(): readonly Segment[] {
    return this.#retired;
  }

  /** Deletes retired segments; those with damage are set aside. What fails is tried again the next time. */
  remove(segments: readonly Segment[]): Promise<void> {
    return this.#alone(async () => {
      for (const segment of segments) {
        if (!this.#retired.includes(segment)) continue;
        const gone = segment.damaged ? this.#setAside(segment) : this.#options.files.remove(segment.path);
        if ((await attempt(gone)) === undefined) this.#retired = this.#retired.filter((other) => other !== segment);
      }
    });
  }

  close(): Promise<void> {
    return this.#alone(async () => {
      const active = this.#active;
      if (active === undefined) return;
      if (this.#options.syncs()) await attempt(this.#syncActive());
      this.#active = undefined;
      await attempt(active.file.close());
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lane.then(work);
    this.#lane = done.catch(() => undefined); // whoever asked for it is told
    return done;
  }

  async #syncActive(): Promise<boolean> {
    const active = this.#active;
    if (!this.#dirty || active === undefined) return false;
    // Where it was made before anything asked for a sync.
    if (!active.named) await this.#options.files.syncFolder(this.#options.folder);
    active.named = true;
    await active.file.sync();
    this.#dirty = false;
    return true;
  }

  #count(segment: Segment, items: readonly Item[], bytes: number): Written {
    const written = { segment, sequence: this.next, offset: segment.end };
    segment.count += items.length;
    segment.live += items.length;
    for (const { size } of items) segment.unread += size;
    segment.end += bytes;
    this.next += items.length;
    return written;
  }

  /** The segment to write to: the one there is while it has room, otherwise a new one. */
  async #writable(): Promise<Active> {
    const active = this.#active;
    if (active !== undefined && !active.segment.damaged && active.segment.end < this.#options.segmentBytes)
      return active;
    await this.#roll();
    this.#active = await this.#create();
    return this.#active;
  }

  async #roll(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    try {
      // What nobody waits for (QoS 0, or an interval that has not passed) is not to wait until a file's end of days.
      if (this.#options.syncs()) await this.#syncActive();
    } finally {
      this.#active = undefined;
      this.#dirty = false;
      await attempt(active.file.close());
      if (active.segment.live === 0) this.#retire(active.segment);
    }
  }

  async #create(): Promise<Active> {
    const { files, folder } = this.#options;
    const named = this.#options.syncs();
    const segment = emptySegment(folder, this.next);
    // One of that name is empty, or was given up with its first record: nothing of it counts.
    await files.remove(segment.path);
    this.#retired = this.#retired.filter(({ path }) => path !== segment.path);
    const file = await files.open(segment.path, "create");
    try {
      await writeFully(file, encodeHeader(segment.first), 0);
      this.#dirty = true;
      if (named) await files.syncFolder(folder);
    } catch (error) {
      await attempt(file.close());
      await attempt(files.remove(segment.path));
      throw error;
    }
    this.segments.push(segment);
    return { segment, file, named };
  }

  /** Ends the active segment after its last whole record. */
  async #abandon(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    this.#active = undefined;
    this.#dirty = false;
    await attempt(active.file.truncate(active.segment.end));
    await attempt(active.file.close());
    if (active.segment.live === 0) this.#retire(active.segment);
  }

  async #setAside({ first, path }: Segment): Promise<void> {
    const { files, folder } = this.#options;
    const names = await files.list(folder);
    // Gone is gone: there is nothing to keep.
    if (names.includes(basename(path))) await files.rename(path, join(folder, corruptName(first, names)));
  }

  #retire(segment: Segment): void {
    const place = this.segments.indexOf(segment);
    if (place < 0) return;
    this.segments.splice(place, 1);
    this.#retired.push(segment);
  }
}

function encode(items: readonly Item[], first: number): Buffer {
  const length = items.reduce((sum, item) => sum + RECORD_HEADER + item.size, 0);
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  let sequence = first;
  for (const item of items) {
    offset = writeRecord(bytes, offset, sequence, item);
    sequence += 1;
  }
  return bytes;
}
