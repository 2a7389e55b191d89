/** Something that is due at a time. In one `Timers` at most. */
export interface Timed {
  /** ms, in the clock of the caller. Only `Timers` changes it. */
  due: number;
  /** Its place in the heap. -1, as at first: it is in none. */
  place: number;
}

/**
 * What is due when, the earliest first: a binary heap in which each item knows its place, so that starting, moving and stopping
 * one of many thousands is cheap, and one that was stopped leaves nothing behind. Pure: time comes in.
 */
export class Timers<Item extends Timed> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest is due. */
  get next(): number | undefined {
    return this.#heap[0]?.due;
  }

  /** From now on it is due then, whatever was before. */
  start(item: Item, due: number): void {
    this.stop(item);
    item.due = due;
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
  }

  /** Without effect on one that has run out or was stopped. */
  stop(item: Item): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#rise(last, place);
    this.#sink(last, last.place);
  }

  /** Takes the earliest one out that is due, or gives undefined. */
  expire(now: number): Item | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.due > now) return undefined;
    this.stop(first);
    return first;
  }

  #rise(item: Item, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.due <= item.due) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
  }

  #sink(item: Item, from: number): void {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left !== undefined && right !== undefined && right.due < left.due ? right : left;
      if (child === undefined || child.due >= item.due) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
