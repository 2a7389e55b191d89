/** What can be waited for. The heap keeps its place in it. */
export interface Timed {
  /** Its index in the heap, -1 where it is not in it. Only for `Deadlines`. */
  place: number;
  /** Only for `Deadlines`. */
  due: number;
}

/** The earliest of many deadlines: a binary heap in which each item is once, so that it is never larger than there are items. */
export class Deadlines<T extends Timed> {
  readonly #heap: T[] = [];

  /** The one whose deadline is first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  /** Undefined: it waits for nothing. */
  set(item: T, due: number | undefined): void {
    if (due === undefined) {
      this.#remove(item);
      return;
    }
    if (item.place < 0) {
      item.place = this.#heap.length;
      this.#heap.push(item);
    }
    item.due = due;
    this.#sink(this.#rise(item.place));
  }

  #remove(item: T): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#put(last, place);
    this.#sink(this.#rise(place));
  }

  #rise(start: number): number {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
    return at;
  }

  #sink(start: number): void {
    for (let at = start; ; ) {
      const left = 2 * at + 1;
      let first = this.#isBefore(left, at) ? left : at;
      if (this.#isBefore(left + 1, first)) first = left + 1;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    return first !== undefined && second !== undefined && first.due < second.due;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#put(first, b);
    this.#put(second, a);
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
