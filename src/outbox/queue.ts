interface Queued {
  readonly sequence: number;
  /** Topic and payload, in bytes. */
  readonly size: number;
}

export interface Load {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Entries in memory: those that wait, and those that were taken.
 *
 * Invariants
 * - an entry is in one place: in `#waiting` from `#head` on, or in `#taken`. What is acknowledged or dropped is in none, so that
 *   memory follows the bounds even while the oldest is on its way for the whole of an outage;
 * - both are in order of sequence, and all of `#taken` comes before all of `#waiting`;
 * - `#lowest` is the first of `#taken`, undefined when that is empty; `#behind` goes on behind it.
 */
export class Queue<S extends Queued> {
  /** Places before `#head` are empty. */
  #waiting: (S | undefined)[] = [];
  #head = 0;
  #waitingBytes = 0;
  readonly #taken = new Map<number, S>();
  #takenBytes = 0;
  #lowest: S | undefined;
  /** Kept, since a new one would pass all the places of what was acknowledged each time. */
  #behind: Iterator<S> = this.#taken.values();

  /** The oldest that waits: what `take` gives. */
  get head(): S | undefined {
    return this.#waiting[this.#head];
  }

  /** The oldest of all. */
  get oldest(): S | undefined {
    return this.#lowest ?? this.head;
  }

  get waiting(): Load {
    return { messages: this.#waiting.length - this.#head, bytes: this.#waitingBytes };
  }

  get taken(): Load {
    return { messages: this.#taken.size, bytes: this.#takenBytes };
  }

  add(entry: S): void {
    this.#waiting.push(entry);
    this.#waitingBytes += entry.size;
  }

  take(): S | undefined {
    const entry = this.shift();
    if (entry === undefined) return undefined;
    this.#taken.set(entry.sequence, entry);
    this.#takenBytes += entry.size;
    if (this.#lowest === undefined) {
      this.#behind = this.#taken.values();
      this.#advance();
    }
    return entry;
  }

  /** The oldest that waits, which then is in no place. */
  shift(): S | undefined {
    const entry = this.head;
    if (entry === undefined) return undefined;
    this.#waiting[this.#head] = undefined;
    this.#head += 1;
    this.#waitingBytes -= entry.size;
    // Mostly or all empty: copy the rest down. Amortized one move an entry.
    if (this.#head === this.#waiting.length || (this.#head >= 256 && this.#head * 2 >= this.#waiting.length)) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** Ends its being taken, and gives it back if it was. */
  acknowledge(sequence: number): S | undefined {
    const entry = this.#taken.get(sequence);
    if (entry === undefined) return undefined;
    this.#taken.delete(sequence);
    this.#takenBytes -= entry.size;
    if (entry === this.#lowest) this.#advance();
    return entry;
  }

  #advance(): void {
    const next = this.#behind.next();
    this.#lowest = next.done === true ? undefined : next.value;
  }
}
