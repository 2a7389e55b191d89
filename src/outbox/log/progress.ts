import { Checkpoint } from "./checkpoint.js";
import { type CursorFile, MOST_RANGES, type Position } from "./cursor.js";
import { attempt, type Files } from "./files.js";
import type { SegmentLog } from "./log.js";
import { outside, type Range, withRange } from "./ranges.js";
import { endOf, type Segment } from "./segment.js";

export interface ProgressOptions {
  readonly files: Files;
  readonly cursor: CursorFile;
  readonly log: SegmentLog;
  /** Sequences beyond the cursor that are gone: see cursor.ts. */
  readonly gone: readonly Range[];
  /** Up to here all was acknowledged or dropped when it was recovered. */
  readonly settled: number;
  /** The lowest sequence that is neither acknowledged nor dropped. */
  readonly lowest: () => number;
  readonly onSettled: () => void;
  /** The cursor could not be written; it is tried again. */
  readonly onTrouble: (what: string) => void;
  /** Segments were deleted: there may be room again. */
  readonly onRoom: () => void;
  /** Before it tries again to write or delete what it could not, in ms. */
  readonly retry: number;
}

/** Between two syncs of the cursor along with a commit, in ms: what a power cut may cost in messages that are sent twice. */
const CURSOR_SYNC = 1000;

/**
 * How far the upstream has come: writes the cursor, and deletes the segments that are done.
 *
 * Invariant: a segment is deleted only once a cursor is on the medium that has passed it or has it among what is gone. The one
 * exception is a disk on which not even the cursor can be written: there room comes first, and the next start may tell of losses
 * that are none.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #checkpoint: Checkpoint;
  #settled: number;
  #gone: readonly Range[];
  #synced = Number.NEGATIVE_INFINITY;
  #tidying: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#gone = options.gone;
    this.#settled = options.settled;
    this.#checkpoint = new Checkpoint({
      ...{ file: options.cursor, retry: options.retry, position: () => this.#position() },
      onWritten: ({ acknowledged }, trouble) => this.#written(acknowledged, trouble),
    });
  }

  /** See outbox.ts. */
  get settled(): number {
    return this.#settled;
  }

  /** Writes the cursor as it was recovered, then deletes these files, of which nothing is left to send. */
  async begin(finished: readonly string[]): Promise<void> {
    if ((await this.#checkpoint.flush(true)) === undefined) return;
    for (const path of finished) await attempt(this.#options.files.remove(path));
  }

  /** Something was acknowledged or dropped. */
  moved(): void {
    if (this.#closed) return;
    this.#checkpoint.touch();
    this.tidy();
  }

  /** Somebody waits for `settled` to follow. */
  hurry(): void {
    this.#checkpoint.hurry();
  }

  /** These cannot be read any more. */
  lost(range: Range): void {
    this.#gone = withRange(this.#gone, range);
    if (this.#closed) return;
    void this.#checkpoint.flush(false);
    this.tidy();
  }

  /** Along with a commit, now and then. */
  async syncSometimes(): Promise<void> {
    const now = performance.now();
    if (now - this.#synced < CURSOR_SYNC) return;
    this.#synced = now;
    await this.#checkpoint.flush(true);
  }

  /** Deletes the segments that are done, if there are any. */
  tidy(): void {
    if (this.#closed || this.#options.log.retired.length === 0) return;
    if (this.#tidying !== undefined || this.#again !== undefined) return;
    this.#tidying = this.#deleteRetired().then(() => {
      this.#tidying = undefined;
      if (this.#closed || this.#options.log.retired.length === 0) return;
      // A disk that cannot be written, or more of them meanwhile.
      this.#again = setTimeout(() => {
        this.#again = undefined;
        this.tidy();
      }, this.#options.retry);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#tidying;
    await this.#checkpoint.flush(true);
    await this.#checkpoint.close();
  }

  #written(acknowledged: number, trouble: string | undefined): void {
    if (trouble !== undefined) this.#options.onTrouble(trouble);
    if (acknowledged === this.#settled) return;
    // Also where it could not be written: a disk that takes nothing must not stop what is on it from being sent.
    this.#settled = acknowledged;
    this.#options.onSettled();
  }

  #position(): Position {
    const acknowledged = this.#options.lowest() - 1;
    this.#gone = this.#gone.filter(({ last }) => last > acknowledged);
    return { acknowledged, stored: this.#options.log.next, gone: this.#gone.slice(0, MOST_RANGES) };
  }

  async #deleteRetired(): Promise<void> {
    const { log, onRoom } = this.#options;
    const segments = [...log.retired];
    for (const segment of segments) {
      this.#gone = withRange(this.#gone, { first: segment.first, last: endOf(segment) - 1 });
    }
    const position = await this.#checkpoint.flush(true);
    await log.remove(segments.filter((segment) => position === undefined || covers(position, segment)));
    onRoom();
  }
}

/** Whether a reader of the cursor knows that the segment is gone. */
function covers({ acknowledged, gone }: Position, segment: Segment): boolean {
  const first = Math.max(segment.first, acknowledged + 1);
  return outside({ first, last: endOf(segment) - 1 }, gone).length === 0;
}
