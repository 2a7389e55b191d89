/** What came too early, until its time comes. Bounded: what finds no room is lost, as datagrams are. */
export class Waiting<T> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #items: T[] = [];
  #bytes = 0;

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#items.length;
  }

  /** False: there is no room. */
  add(item: T, bytes: number): boolean {
    if (this.#items.length === this.#maxItems || this.#bytes + bytes > this.#maxBytes) return false;
    this.#items.push(item);
    this.#bytes += bytes;
    return true;
  }

  /** All, in the order in which they came. */
  take(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}
