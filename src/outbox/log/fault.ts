import { messageOf } from "../../core/errors.js";

export interface FaultOptions {
  /** Tries whether the log can be written again, with room for `bytes`. Rejects where it cannot. */
  readonly rehearse: (bytes: number) => Promise<void>;
  readonly onBegin: (what: string) => void;
  readonly onEnd: () => void;
  /** Between two tries, in ms. */
  readonly retry: number;
}

/** Room that must be there before the log counts as writable again: less would come and go with every message. */
const LEAST_ROOM = 64 * 1024;
const MOST_ROOM = 2 * 1024 * 1024;

/** Knows that the log cannot be written, and finds out when it can be again. */
export class Fault {
  readonly #options: FaultOptions;
  #what: string | undefined;
  #room = LEAST_ROOM;
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> | undefined;
  #stopped = false;

  constructor(options: FaultOptions) {
    this.#options = options;
  }

  /** What the system said, undefined while the log can be written. */
  get what(): string | undefined {
    return this.#what;
  }

  /** A write of `bytes` failed. */
  begin(error: unknown, bytes: number): void {
    const known = this.#what !== undefined;
    this.#what = messageOf(error);
    this.#room = Math.min(MOST_ROOM, Math.max(LEAST_ROOM, bytes));
    if (!known) this.#options.onBegin(this.#what);
    this.#later();
  }

  /** Something was deleted: there may be room again. */
  again(): void {
    if (this.#what === undefined || this.#trying !== undefined || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#trying = this.#try().finally(() => {
      this.#trying = undefined;
      if (this.#what !== undefined) this.#later();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#trying;
  }

  #later(): void {
    if (this.#timer !== undefined || this.#trying !== undefined || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.again();
    }, this.#options.retry);
  }

  async #try(): Promise<void> {
    try {
      await this.#options.rehearse(this.#room);
      this.#what = undefined;
      this.#options.onEnd();
    } catch (error) {
      this.#what = messageOf(error);
    }
  }
}
