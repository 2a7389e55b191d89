/** A name and what belongs to it. */
export class Leaf<T extends object> {
  readonly name: string;
  /** Undefined once it was taken out of the tree: a walk that is under way may come upon it yet. */
  value: T | undefined;

  constructor(name: string, value: T) {
    this.name = name;
    this.value = value;
  }
}

/** What the names that are the same up to here have as their next level. */
export type Branch<T extends object> = Map<string, Slot<T>>;
export type Slot<T extends object> = Leaf<T> | Branch<T>;

/** Where a branch keeps the name that ends there. No level is called so: a slash parts levels. */
export const END = "/";

/** Where the level that begins at `start` ends. */
export function levelEnd(name: string, start: number): number {
  const slash = name.indexOf("/", start);
  return slash === -1 ? name.length : slash;
}

/**
 * Topics or filters by their levels. What holds of it:
 * - a name is a leaf at the first level that tells it from all others, so that it costs one entry and not one for each of its
 *   levels; whoever finds a leaf compares the rest of its name;
 * - every branch below the root has two names or more below it: nothing is left behind by what is taken out;
 * - a leaf stays the same object while its name is in the tree, wherever it is moved.
 * Nothing recurs: a name of 32,768 levels is a loop of as many turns.
 */
export class LevelTree<T extends object> {
  readonly root: Branch<T> = new Map();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: string): T | undefined {
    let branch = this.root;
    for (let start = 0; ; start = levelEnd(name, start) + 1) {
      const slot = branch.get(keyAt(name, start));
      if (slot === undefined) return undefined;
      if (slot instanceof Leaf) return slot.name === name ? slot.value : undefined;
      branch = slot;
    }
  }

  set(name: string, value: T): void {
    let branch = this.root;
    for (let start = 0; ; start = levelEnd(name, start) + 1) {
      const key = keyAt(name, start);
      const slot = branch.get(key);
      if (slot === undefined) {
        branch.set(owned(key), new Leaf(name, value));
        break;
      }
      if (slot instanceof Leaf) {
        if (slot.name === name) {
          slot.value = value;
          return;
        }
        part(branch, start, slot, new Leaf(name, value));
        break;
      }
      branch = slot;
    }
    this.#size++;
  }

  /** False where it was not there. */
  delete(name: string): boolean {
    const path: { readonly branch: Branch<T>; readonly key: string }[] = [];
    let branch = this.root;
    for (let start = 0; ; start = levelEnd(name, start) + 1) {
      const key = keyAt(name, start);
      const slot = branch.get(key);
      if (slot === undefined) return false;
      if (slot instanceof Leaf) {
        if (slot.name !== name) return false;
        slot.value = undefined;
        branch.delete(key);
        break;
      }
      path.push({ branch, key });
      branch = slot;
    }
    this.#size--;
    // The one name that a branch is left with takes its place.
    for (let above = path.pop(); above !== undefined && branch.size === 1; above = path.pop()) {
      const [only] = branch.values();
      if (!(only instanceof Leaf)) break;
      above.branch.set(above.key, only);
      branch = above.branch;
    }
    return true;
  }
}

/** Both have the level at `start`, where the first one was alone so far: branches down to the level where they differ. */
function part<T extends object>(above: Branch<T>, start: number, one: Leaf<T>, other: Leaf<T>): void {
  let branch = above;
  for (let at = start; ; ) {
    const deeper: Branch<T> = new Map();
    branch.set(owned(keyAt(one.name, at)), deeper);
    at = levelEnd(one.name, at) + 1;
    const key = keyAt(one.name, at);
    const otherKey = keyAt(other.name, at);
    if (key !== otherKey) {
      deeper.set(owned(key), one).set(owned(otherKey), other);
      return;
    }
    branch = deeper;
  }
}

function keyAt(name: string, start: number): string {
  return start > name.length ? END : name.slice(start, levelEnd(name, start));
}

/** From here on V8 keeps a part of a string as a view of the whole. */
const SHORTEST_VIEW = 13;

/** A key outlives the name that brought it; as a view it would hold on to all of that, up to 64 kB. */
function owned(key: string): string {
  return key.length < SHORTEST_VIEW ? key : Buffer.from(key).toString();
}
