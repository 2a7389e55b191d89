import type { Range } from "./session.js";

/** Sequences, as ranges in order and apart from each other. Made for many that come one behind another. */
export class RangeSet {
  readonly #ranges: Range[] = [];

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  add(range: Range): void {
    let { first, last } = range;
    const from = this.#firstEndingAt(first - 1);
    let to = from;
    // All that it overlaps or touches becomes one with it.
    for (let next = this.#ranges[to]; next !== undefined && next.first <= last + 1; next = this.#ranges[to]) {
      first = Math.min(first, next.first);
      last = Math.max(last, next.last);
      to += 1;
    }
    this.#ranges.splice(from, to - from, { first, last });
  }

  /** Takes away all up to `sequence`. */
  forget(sequence: number): void {
    this.#ranges.splice(0, this.#firstEndingAt(sequence + 1));
    const cut = this.#ranges[0];
    if (cut !== undefined && cut.first <= sequence) this.#ranges[0] = { first: sequence + 1, last: cut.last };
  }

  clear(): void {
    this.#ranges.length = 0;
  }

  /** Index of the first range that ends at `sequence` or later. */
  #firstEndingAt(sequence: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
