import type { Delivery } from "./delivery.js";
import { Ring } from "./ring.js";

/**
 * The messages of one session by their sequences: those that were sent, and behind them those that wait. They are kept apart
 * because the gap between the two may be of any width: while one that is not acknowledged stays at the head, millions that
 * wait behind it may have been dropped.
 */
export class Entries {
  readonly #sent: Ring<Delivery>;
  readonly #waiting: Ring<Delivery>;

  constructor(start: number) {
    this.#sent = new Ring(start);
    this.#waiting = new Ring(start);
  }

  /** Of the oldest. */
  get head(): number {
    return this.#sent.head < this.#sent.tail ? this.#sent.head : this.#waiting.head;
  }

  /** Where the next one goes. */
  get tail(): number {
    return this.#waiting.tail;
  }

  /** Of the oldest that waits; the tail where none does. */
  get firstWaiting(): number {
    return this.#waiting.head;
  }

  at(sequence: number): Delivery | undefined {
    return sequence >= this.#waiting.head ? this.#waiting.at(sequence) : this.#sent.at(sequence);
  }

  /** At the tail. */
  wait(entry: Delivery): number {
    return this.#waiting.push(entry);
  }

  /** At the tail, past those that wait: none does. */
  send(entry: Delivery): void {
    const sequence = this.tail;
    this.#waiting.skipTo(sequence + 1);
    this.#put(sequence, entry);
  }

  /** The oldest that waits does so no longer. */
  sent(sequence: number): void {
    const entry = this.#waiting.at(sequence);
    if (entry === undefined) return;
    this.#waiting.clear(sequence);
    this.#put(sequence, entry);
  }

  /** The tail is there from now on. */
  skipTo(sequence: number): void {
    this.#waiting.skipTo(sequence);
  }

  clear(sequence: number): void {
    if (sequence >= this.#waiting.head) this.#waiting.clear(sequence);
    else this.#sent.clear(sequence);
  }

  /** In their order; while they change, who is there all the time comes: one that is sent meanwhile keeps its sequence. */
  *[Symbol.iterator](): Generator<readonly [sequence: number, entry: Delivery]> {
    for (let sequence = this.head; sequence < this.tail; sequence++) {
      if (sequence >= this.#sent.tail) sequence = Math.max(sequence, this.#waiting.head);
      const entry = this.at(sequence);
      if (entry !== undefined) yield [sequence, entry];
    }
  }

  #put(sequence: number, entry: Delivery): void {
    this.#sent.skipTo(sequence);
    this.#sent.push(entry);
  }
}
