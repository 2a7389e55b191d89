/** Values at consecutive sequences, from `head` up to `tail`. All in constant time; the room grows and shrinks by doubling. */
export class Ring<T> {
  #slots: (T | undefined)[] = [];
  #mask = -1;
  #head: number;
  #tail: number;

  constructor(start: number) {
    this.#head = start;
    this.#tail = start;
  }

  get head(): number {
    return this.#head;
  }

  /** Where the next one goes. */
  get tail(): number {
    return this.#tail;
  }

  push(value: T): number {
    if (this.#tail - this.#head > this.#mask) this.#resize(Math.max(4, (this.#mask + 1) * 2));
    this.#slots[this.#tail & this.#mask] = value;
    return this.#tail++;
  }

  /** Leaves gaps up to there. */
  skipTo(sequence: number): void {
    if (this.#head === this.#tail) this.#head = this.#tail = Math.max(this.#tail, sequence);
    while (this.#tail < sequence) {
      if (this.#tail - this.#head > this.#mask) this.#resize(Math.max(4, (this.#mask + 1) * 2));
      this.#slots[this.#tail++ & this.#mask] = undefined;
    }
  }

  at(sequence: number): T | undefined {
    return sequence >= this.#head && sequence < this.#tail ? this.#slots[sequence & this.#mask] : undefined;
  }

  /** Leaves a gap; gaps at the head go. */
  clear(sequence: number): void {
    if (sequence < this.#head || sequence >= this.#tail) return;
    this.#slots[sequence & this.#mask] = undefined;
    while (this.#head < this.#tail && this.#slots[this.#head & this.#mask] === undefined) this.#head++;
    if (this.#head === this.#tail) {
      // What was a long queue once must not hold its room for ever.
      if (this.#mask > 63) this.#resize(4);
    }
  }

  #resize(room: number): void {
    const slots = new Array<T | undefined>(room).fill(undefined);
    for (let at = this.#head; at < this.#tail; at++) slots[at & (room - 1)] = this.#slots[at & this.#mask];
    this.#slots = slots;
    this.#mask = room - 1;
  }
}
