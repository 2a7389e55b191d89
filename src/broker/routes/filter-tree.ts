import { matches } from "../../core/topics.js";
import { type Branch, END, Leaf, LevelTree, levelEnd, type Slot } from "./level-tree.js";

export function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/** Filters, and which of them take a topic. */
export class FilterTree<T extends object> {
  /** Those without a wildcard take one topic each. */
  readonly #plain = new Map<string, T>();
  readonly #wild = new LevelTree<T>();

  get size(): number {
    return this.#plain.size + this.#wild.size;
  }

  get(filter: string): T | undefined {
    return this.#of(filter).get(filter);
  }

  set(filter: string, value: T): void {
    this.#of(filter).set(filter, value);
  }

  delete(filter: string): void {
    this.#of(filter).delete(filter);
  }

  /** What belongs to the filters that take the topic, in no order. */
  match(topic: string): T[] {
    const found: T[] = [];
    const plain = this.#plain.get(topic);
    if (plain !== undefined) found.push(plain);
    if (this.#wild.size > 0) gather(this.#wild.root, topic, found);
    return found;
  }

  #of(filter: string): Map<string, T> | LevelTree<T> {
    return hasWildcard(filter) ? this.#wild : this.#plain;
  }
}

/** Level by level, all branches at once: each is come to once, so that no set of filters makes it more than their number. */
function gather<T extends object>(root: Branch<T>, topic: string, found: T[]): void {
  let reached = [root];
  for (let start = 0; start <= topic.length && reached.length > 0; ) {
    const end = levelEnd(topic, start);
    const level = topic.slice(start, end);
    const next: Branch<T>[] = [];
    for (const branch of reached) {
      offer(branch.get(level), topic, found, next);
      offer(branch.get("+"), topic, found, next);
      offer(branch.get("#"), topic, found, next);
    }
    reached = next;
    start = end + 1;
  }
  for (const branch of reached) {
    offer(branch.get(END), topic, found, []);
    // `sport/#` takes `sport` itself (MQTT 4.7.1.2)
    offer(branch.get("#"), topic, found, []);
  }
}

/** The way here only says which filters it can be: `matches` decides, of a leading wildcard and a `$` too (MQTT-4.7.2-1). */
function offer<T extends object>(slot: Slot<T> | undefined, topic: string, found: T[], next: Branch<T>[]): void {
  if (slot === undefined) return;
  if (!(slot instanceof Leaf)) next.push(slot);
  else if (slot.value !== undefined && matches(slot.name, topic)) found.push(slot.value);
}
