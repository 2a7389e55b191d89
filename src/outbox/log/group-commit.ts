import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

/** What waits for a commit. */
export interface Committed {
  /** In bytes. */
  readonly size: number;
}

export interface GroupCommitOptions<T extends Committed> {
  /** Stores a batch and tells whoever waits for it. Never rejects. */
  readonly commit: (batch: readonly T[]) => Promise<void>;
}

/** What one commit holds at most: encoding it is what the event loop waits for. */
const MOST_ITEMS = 4096;
const MOST_BYTES = 1024 * 1024;
/** As many waiting are company enough. */
const ENOUGH = 128;
/** After a pause of as long it was idle, in ms. */
const IDLE = 10;
/** ms */
const LONGEST_LINGER = 10;

/**
 * One commit at a time, which serves all that wait; while it runs, the next batch gathers.
 *
 * How long a batch lingers before its commit:
 * - not at all when idle, so that a message that comes alone is as quick as the disk is;
 * - not at all when as many wait as the last commit served: then probably nobody else will come before they are answered;
 * - otherwise twice what a commit takes, 1 to 10 ms, or until enough have come. On a fast disk that costs little time and saves
 *   most of the processor's work; on an SD card it saves its life.
 */
export class GroupCommit<T extends Committed> {
  readonly #options: GroupCommitOptions<T>;
  #pending: T[] = [];
  /** What is being stored. */
  #batch: readonly T[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  /** Ends a linger early. */
  #hurry: (() => void) | undefined;
  /** When the last commit ended, and what one takes, smoothed; ms. */
  #ended = Number.NEGATIVE_INFINITY;
  #cost = 1;
  #closing = false;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  /** Bytes that no commit has begun to store. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first that is not stored yet. */
  get oldest(): T | undefined {
    return this.#batch[0] ?? this.#pending[0];
  }

  add(item: T): void {
    this.#pending.push(item);
    this.#bytes += item.size;
    if (this.#running === undefined) this.#running = this.#run();
    else if (this.#pending.length >= ENOUGH) this.#hurry?.();
  }

  /** Takes away what no commit has begun to store. */
  abandon(): T[] {
    this.#bytes = 0;
    return this.#pending.splice(0);
  }

  /** Resolves once all that was added is stored. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#hurry?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever appends in this turn of the event loop comes along.
    await turn();
    if (performance.now() - this.#ended < IDLE) await this.#linger();
    while (this.#pending.length > 0) {
      const batch = this.#cut();
      this.#batch = batch;
      const began = performance.now();
      await this.#options.commit(batch);
      this.#batch = [];
      this.#ended = performance.now();
      this.#cost += (this.#ended - began - this.#cost) / 8;
      // Whoever was answered and goes on at once does so in this turn.
      await turn();
      if (this.#pending.length > 0 && this.#pending.length < batch.length) await this.#linger();
    }
    this.#running = undefined;
  }

  #linger(): Promise<void> {
    if (this.#closing || this.#pending.length >= ENOUGH) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#hurry = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.min(LONGEST_LINGER, Math.max(1, 2 * this.#cost)));
      this.#hurry = done;
    });
  }

  #cut(): T[] {
    let bytes = 0;
    let count = 0;
    for (const { size } of this.#pending) {
      if (count === MOST_ITEMS || (count > 0 && bytes + size > MOST_BYTES)) break;
      bytes += size;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#pending.splice(0, count);
  }
}
