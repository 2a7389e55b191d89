import { setImmediate as turn } from "node:timers/promises";
import type { CursorFile, Position } from "./cursor.js";
import { attempt } from "./files.js";

export interface CheckpointOptions {
  readonly file: CursorFile;
  /** Where the outbox is now. */
  readonly position: () => Position;
  /** It was written, but need not be on the medium. `trouble` says why it could not be: it is tried again. */
  readonly onWritten: (position: Position, trouble: string | undefined) => void;
  /** After a write that failed, in ms. */
  readonly retry: number;
}

/** How long what moved may wait for more that moves, in ms: at some messages a second each would have a write of its own. */
const LAG = 10;

/**
 * Writes the cursor some ms after it moved, at once when asked, and one write at a time: what moves while one is under
 * way comes along in the next. Syncs it when asked. A write that fails is made up for by the next one: a cursor that lags costs
 * messages that are sent twice, never one that is lost.
 */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  /** Since the last write began. */
  #moved = false;
  #last: Position | undefined;
  #running = false;
  #again: NodeJS.Timeout | undefined;
  #closed = false;
  /** Ends the wait for more. */
  #hurry: (() => void) | undefined;
  #hurried = false;
  #lane: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /** The position has moved. */
  touch(): void {
    this.#moved = true;
    if (this.#running || this.#again !== undefined || this.#closed) return;
    this.#running = true;
    void this.#run();
  }

  /** Somebody waits for what moved to be written. */
  hurry(): void {
    if (!this.#running) return;
    this.#hurried = true;
    this.#hurry?.();
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
    this.#closed = true;
    clearTimeout(this.#again);
    this.#hurry?.();
    await this.#alone(() => this.#options.file.close());
  }

  async #run(): Promise<void> {
    // All that is acknowledged in this turn comes along.
    await turn();
    while (this.#moved && !this.#closed) {
      if (!this.#hurried) await this.#wait();
      this.#hurried = false;
      this.#moved = false;
      if (this.#same(this.#options.position()) || (await this.#write()) !== undefined) continue;
      this.#again = setTimeout(() => {
        this.#again = undefined;
        this.touch();
      }, this.#options.retry);
      break;
    }
    this.#running = false;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#hurry = undefined;
        resolve();
      };
      const timer = setTimeout(done, LAG);
      this.#hurry = done;
    });
  }

  /** What was acknowledged behind one that is not moves nothing. */
  #same({ acknowledged, gone }: Position): boolean {
    return acknowledged === this.#last?.acknowledged && gone.length === this.#last.gone.length;
  }

  async #write(): Promise<Position | undefined> {
    let position: Position | undefined;
    const trouble = await this.#alone(async () => {
      position = this.#options.position();
      await this.#options.file.write(position);
      this.#last = position;
    });
    if (position !== undefined) this.#options.onWritten(position, trouble);
    return trouble === undefined ? position : undefined;
  }

  /** One after another: the two slots are written in turn. The error's text, if there was one. */
  #alone(work: () => Promise<void>): Promise<string | undefined> {
    const done = this.#lane.then(() => attempt(work()));
    this.#lane = done;
    return done;
  }
}
