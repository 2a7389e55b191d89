import type { Entry } from "../outbox.js";
import type { Segment } from "./segment.js";

/** An entry in memory. */
export interface Slot extends Entry {
  /** Topic and payload, in bytes. */
  readonly size: number;
  readonly segment: Segment;
}

/** How many bytes of topics and payloads are read ahead of the bridge. */
const MOST_BYTES = 1024 * 1024;

/**
 * The entries that are in memory: some that come next, and those that were taken. What waits behind them is on disk only.
 *
 * Invariants
 * - an entry is in one place: `#ready`, `#returned` or `#taken`;
 * - `#ready` and `#returned` are in order of sequence, and whatever was taken once comes before all of `#ready`;
 * - `#ready` is bounded, the other two are by what the bridge has on its way at once.
 */
export class ReadAhead {
  readonly #most: number;
  #ready: (Slot | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  readonly #returned: Slot[] = [];
  readonly #taken = new Map<number, Slot>();
  #takenBytes = 0;

  /** Holds `most` entries or 1 MiB, whichever comes first, and always one entry. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether one more may be added. */
  get roomy(): boolean {
    const entries = this.#ready.length - this.#head;
    return entries === 0 || (entries < this.#most && this.#bytes < MOST_BYTES);
  }

  /** Whether it is time to read on. */
  get low(): boolean {
    return this.#ready.length - this.#head < this.#most / 2 && this.#bytes < MOST_BYTES / 2;
  }

  /** Whether there is something to take. */
  get waiting(): boolean {
    return this.#returned.length > 0 || this.#head < this.#ready.length;
  }

  get taken(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#taken.size, bytes: this.#takenBytes };
  }

  /** The oldest that waits in memory: what `take` gives. */
  get head(): Slot | undefined {
    return this.#returned[0] ?? this.#ready[this.#head];
  }

  /** The oldest in memory, which is the oldest of all unless nothing is in memory. */
  get oldest(): Slot | undefined {
    let oldest = this.#returned[0] ?? this.#ready[this.#head];
    for (const slot of this.#taken.values()) if (oldest === undefined || slot.sequence < oldest.sequence) oldest = slot;
    return oldest;
  }

  add(slot: Slot): void {
    this.#ready.push(slot);
    this.#bytes += slot.size;
  }

  take(): Slot | undefined {
    const slot = this.shift();
    if (slot === undefined) return undefined;
    this.#taken.set(slot.sequence, slot);
    this.#takenBytes += slot.size;
    return slot;
  }

  /** The oldest that waits, which then is in no place. */
  shift(): Slot | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const slot = this.#ready[this.#head];
    if (slot === undefined) return undefined;
    this.#ready[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= slot.size;
    // Mostly or all empty: copy the rest down. Amortized one move an entry.
    if (this.#head === this.#ready.length || (this.#head >= 256 && this.#head * 2 >= this.#ready.length)) {
      this.#ready.splice(0, this.#head);
      this.#head = 0;
    }
    return slot;
  }

  /** Ends its being taken, and gives it back if it was. */
  untake(sequence: number): Slot | undefined {
    const slot = this.#taken.get(sequence);
    if (slot === undefined) return undefined;
    this.#taken.delete(sequence);
    this.#takenBytes -= slot.size;
    return slot;
  }

  /** Makes it wait again, in its old place. */
  release(sequence: number): boolean {
    const slot = this.untake(sequence);
    if (slot === undefined) return false;
    // A lost link releases in order, so that the place is nearly always the last one.
    const before = this.#returned.findLastIndex((other) => other.sequence < sequence);
    this.#returned.splice(before + 1, 0, slot);
    return true;
  }
}
