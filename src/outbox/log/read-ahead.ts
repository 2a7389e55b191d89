import type { Entry } from "../outbox.js";
import type { Queue } from "../queue.js";
import type { Segment } from "./segment.js";

/** An entry in memory. */
export interface Slot extends Entry {
  /** Topic and payload, in bytes. */
  readonly size: number;
  readonly segment: Segment;
}

/** How many bytes of topics and payloads are read ahead of the bridge. */
const MOST_BYTES = 1024 * 1024;

/** How much of what waits is in memory. What waits behind that is on disk only. */
export class ReadAhead {
  readonly #most: number;
  readonly #queue: Queue<Slot>;

  /** Lets `queue` have `most` entries that wait or 1 MiB, whichever comes first, and always one entry. */
  constructor(most: number, queue: Queue<Slot>) {
    this.#most = most;
    this.#queue = queue;
  }

  /** Whether one more may be added. */
  get roomy(): boolean {
    const { messages, bytes } = this.#queue.waiting;
    return messages === 0 || (messages < this.#most && bytes < MOST_BYTES);
  }

  /** Whether it is time to read on. */
  get low(): boolean {
    const { messages, bytes } = this.#queue.waiting;
    return messages < this.#most / 2 && bytes < MOST_BYTES / 2;
  }

  add(slot: Slot): void {
    this.#queue.add(slot);
  }
}
