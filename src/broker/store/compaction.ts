import { attempt, type Files } from "../../outbox/log/files.js";
import type { Segments } from "./segments.js";
import { type Snapshot, writeSnapshot } from "./snapshot.js";
import type { LiveState } from "./store.js";

export interface CompactionOptions {
  readonly files: Files;
  readonly folder: string;
  readonly segments: Segments;
  readonly live: LiveState;
  /** Bytes of segments below which it is not worth it. */
  readonly least: number;
}

/** A log that is as many times longer than the snapshot before it is replaced: a third of what is written is snapshots then. */
const FACTOR = 2;
/** Each start of the gateway makes a segment. */
const MOST_SEGMENTS = 64;

/** What the files that count hold. */
export interface Stored {
  /** Of queues. */
  readonly entries: number;
  /** How many of them are not in a queue any more. */
  readonly settled: number;
  /** Told at each start, until a snapshot has taken the place of it. */
  readonly damaged: boolean;
}

/** Knows when a snapshot is due, and takes it. */
export class Compaction {
  readonly #options: CompactionOptions;
  #entries: number;
  #settled: number;
  #damaged: boolean;
  /** After a failure: bytes of segments before it is tried again. */
  #notBefore = 0;

  constructor(options: CompactionOptions, { entries, settled, damaged }: Stored) {
    this.#options = options;
    this.#entries = entries;
    this.#settled = settled;
    this.#damaged = damaged;
  }

  enqueued(): void {
    this.#entries += 1;
  }

  settled(): void {
    this.#settled += 1;
  }

  get due(): boolean {
    const { segments, least } = this.#options;
    const { log, snapshot } = segments;
    if (log < this.#notBefore) return false;
    if (this.#damaged || segments.chain.length > MOST_SEGMENTS || log >= Math.max(least, FACTOR * snapshot))
      return true;
    return log + snapshot >= least && 2 * this.#settled > this.#entries;
  }

  /**
   * Begins a segment, then takes a snapshot, in slices, while what happens goes into that. `finish` resolves once all that was
   * recorded up to the end of the snapshot is on the medium. `check` throws where the snapshot is not wanted any more.
   */
  async run(check: () => void, finish: () => Promise<void>): Promise<void> {
    const { files, segments } = this.#options;
    let snapshot: Snapshot | undefined;
    try {
      const number = await segments.roll();
      const [entries, settled] = [this.#entries, this.#settled];
      snapshot = await writeSnapshot({ ...this.#options, check }, number);
      await finish();
      await segments.replace(snapshot.file, snapshot.part);
      this.#entries += snapshot.entries - entries;
      this.#settled -= settled;
      this.#damaged = false;
      this.#notBefore = 0;
    } catch (error) {
      if (snapshot !== undefined) await attempt(files.remove(snapshot.part));
      this.#notBefore = segments.log + this.#options.least;
      throw error;
    }
  }
}
