import { performance } from "node:perf_hooks";
import type { CursorFile, Position } from "./cursor.js";
import { attempt } from "./files.js";

export interface CheckpointOptions {
  readonly file: CursorFile;
  /** Where the outbox is now. */
  readonly position: () => Position;
}

/** Between two writes of the cursor, in ms. After kill -9, what was acknowledged in that time is sent again. */
const APART = 5;

/**
 * Writes the cursor soon after it moved, and syncs it when asked. A write that fails is made up for by the next one: a cursor that
 * lags costs messages that are sent twice, never one that is lost.
 */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  #timer: NodeJS.Timeout | undefined;
  #wrote = Number.NEGATIVE_INFINITY;
  #lane: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /** The position has moved. */
  touch(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#wrote + APART - performance.now());
    this.#timer = setTimeout(() => {
      void this.#write();
    }, wait);
  }

  /**
   * Writes the position as it is now and resolves with it once that is on the medium (`sync`) or with the system. Resolves with
   * undefined where it could not be written.
   */
  async flush(sync: boolean): Promise<Position | undefined> {
    const position = await this.#write();
    if (!sync || position === undefined) return position;
    return (await this.#alone(() => this.#options.file.sync())) === undefined ? position : undefined;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#alone(() => this.#options.file.close());
  }

  async #write(): Promise<Position | undefined> {
    clearTimeout(this.#timer);
    let written: Position | undefined;
    const failed = await this.#alone(async () => {
      this.#timer = undefined;
      written = this.#options.position();
      await this.#options.file.write(written);
      this.#wrote = performance.now();
    });
    return failed === undefined ? written : undefined;
  }

  /** One after another: the two slots are written in turn. The error's text, if there was one. */
  #alone(work: () => Promise<void>): Promise<string | undefined> {
    const done = this.#lane.then(() => attempt(work()));
    this.#lane = done;
    return done;
  }
}
