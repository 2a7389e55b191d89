import { type Entry, encodeNote, type Note } from "./entry.js";

export interface Bounds {
  /** Most ids that are known. */
  readonly entries: number;
  /** Most bytes of what is known of them, as it is stored. */
  readonly bytes: number;
  /** How long an id is known after its last change or, if that is later, the start; in ms. */
  readonly age: number;
}

interface Held {
  readonly entry: Entry;
  readonly bytes: number;
  /** ms of a clock that does not jump. */
  readonly since: number;
}

/**
 * What is known, in memory and within bounds. Those that have ended go first, the oldest before the others; those that have not
 * cannot go, and `fits` refuses them in time: they take half of the bounds at most.
 */
export class Entries {
  readonly #bounds: Bounds;
  /** In the order of their last change. */
  readonly #held = new Map<string, Held>();
  #bytes = 0;
  #open = 0;
  #openBytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get(device: string, id: string, ticks: number): Entry | undefined {
    const held = this.#held.get(keyOf(device, id));
    return held === undefined || this.#old(held, ticks) ? undefined : held.entry;
  }

  /** Whether an entry that has not ended may be added. */
  fits(entry: Entry): boolean {
    const { entries, bytes } = this.#bounds;
    return this.#open < entries / 2 && this.#openBytes + sizeOf(entry) <= bytes / 2;
  }

  apply(note: Note, ticks: number): void {
    const key = keyOf(note.device, note.id);
    this.#drop(key);
    if (isEntry(note)) this.#add(key, { entry: note, bytes: sizeOf(note), since: ticks });
    for (const [other, held] of this.#held) {
      const within = this.#held.size <= this.#bounds.entries && this.#bytes <= this.#bounds.bytes;
      if (within && !this.#old(held, ticks)) break;
      if (held.entry.state.kind === "ended") this.#drop(other);
    }
  }

  *all(): Generator<Entry> {
    for (const { entry } of this.#held.values()) yield entry;
  }

  #old({ entry, since }: Held, ticks: number): boolean {
    return entry.state.kind === "ended" && ticks - since >= this.#bounds.age;
  }

  #add(key: string, held: Held): void {
    this.#held.set(key, held);
    this.#count(held, 1);
  }

  #drop(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#count(held, -1);
  }

  #count({ entry, bytes }: Held, sign: 1 | -1): void {
    this.#bytes += sign * bytes;
    if (entry.state.kind === "ended") return;
    this.#open += sign;
    this.#openBytes += sign * bytes;
  }
}

/** A device's name has no slash. */
function keyOf(device: string, id: string): string {
  return `${device}/${id}`;
}

function isEntry(note: Note): note is Entry {
  return note.state.kind !== "forgotten";
}

/** As stored, with the comma. */
function sizeOf(entry: Entry): number {
  return Buffer.byteLength(encodeNote(entry)) + 1;
}
