import { matches } from "../../core/topics.js";
import { type Branch, END, Leaf, LevelTree, levelEnd, type Slot } from "./level-tree.js";

/** Topics, and which of them a filter takes: the retained messages. */
export class TopicTree<T extends object> {
  readonly #tree = new LevelTree<T>();

  get size(): number {
    return this.#tree.size;
  }

  get(topic: string): T | undefined {
    return this.#tree.get(topic);
  }

  set(topic: string, value: T): void {
    this.#tree.set(topic, value);
  }

  /** False where it was not there. */
  delete(topic: string): boolean {
    return this.#tree.delete(topic);
  }

  /** Every topic, those with a $ in front too. */
  all(): TopicWalk<T> {
    return new TopicWalk(this.#tree.root, undefined);
  }

  match(filter: string): TopicWalk<T> {
    return new TopicWalk(this.#tree.root, filter);
  }
}

/** Slots to look at, and where in the filter the level after them begins. */
interface Row<T extends object> {
  readonly slots: Iterator<Slot<T>>;
  readonly next: number;
}

/**
 * A walk over the topics that a filter takes, a part at a time: `#` over a million of them must not hold up everyone else. The
 * tree may change between two parts: what is there all the while is found once, what is taken out is not found any more, and
 * what comes may be found or not.
 */
export class TopicWalk<T extends object> {
  /** Undefined: all of them, those with a $ in front too. */
  readonly #filter: string | undefined;
  /** From the root down: as many as levels at the most. */
  readonly #rows: Row<T>[];

  constructor(root: Branch<T>, filter: string | undefined) {
    this.#filter = filter;
    this.#rows = [this.#row(root, 0)];
  }

  /**
   * Goes on by up to so many steps; a step finds one topic or none, as where `+/x` comes upon a million of `1/y`, `2/y`...
   * False once it is over. `found` may change the tree.
   */
  advance(steps: number, found: (value: T, topic: string) => void): boolean {
    for (let left = steps; left > 0; left--) {
      const row = this.#rows.at(-1);
      if (row === undefined) return false;
      const { done, value: slot } = row.slots.next();
      if (done === true) this.#rows.pop();
      else if (!(slot instanceof Leaf)) this.#rows.push(this.#row(slot, row.next));
      else if (slot.value !== undefined && this.#takes(slot.name)) found(slot.value, slot.name);
    }
    return this.#rows.length > 0;
  }

  #takes(topic: string): boolean {
    return this.#filter === undefined || matches(this.#filter, topic);
  }

  /** What of a branch the filter can take, where its own level begins at `start`. Whether it does, `matches` decides. */
  #row(branch: Branch<T>, start: number): Row<T> {
    if (this.#filter === undefined) return { slots: branch.values(), next: start };
    const end = levelEnd(this.#filter, start);
    const level = start > this.#filter.length ? END : this.#filter.slice(start, end);
    if (level === "#") return { slots: branch.values(), next: start };
    if (level === "+") return { slots: branch.values(), next: end + 1 };
    const slot = branch.get(level);
    return { slots: (slot === undefined ? [] : [slot]).values(), next: end + 1 };
  }
}
