import { detach, type Publication, weightOf } from "./publication.js";
import { TopicTree } from "./routes/topic-tree.js";
import type { Store } from "./store/store.js";

export interface RetainedOptions {
  readonly limits: { readonly retainedMessages: number; readonly retainedSize: number };
  readonly store: Store;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** It cannot be kept: there are too many. */
  readonly refused: (topic: string) => void;
}

/** Looked at in one go. */
const SLICE = 64;

/** The latest message of each topic for those who subscribe later (MQTT 3.3.1.3). */
export class Retained {
  readonly #options: RetainedOptions;
  readonly #messages = new TopicTree<Publication>();
  #bytes = 0;

  constructor(options: RetainedOptions, recovered: readonly Publication[]) {
    this.#options = options;
    for (const publication of recovered) this.#put(publication);
  }

  get size(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps it in place of the topic's earlier one; an empty payload takes that away (MQTT-3.3.1-6, -7). */
  keep(publication: Publication): void {
    const { limits, store, refused } = this.#options;
    const before = this.#messages.get(publication.topic);
    if (publication.payload.length === 0) {
      if (before === undefined) return;
      this.#remove(publication.topic, before);
    } else {
      const more = weightOf(publication) - (before === undefined ? 0 : weightOf(before));
      const full = before === undefined && this.#messages.size >= limits.retainedMessages;
      if (full || this.#bytes + more > limits.retainedSize) {
        refused(publication.topic);
        return;
      }
      this.#put(detach(publication));
    }
    if (lasting(publication.topic)) store.retain(publication);
  }

  get(topic: string): Publication | undefined {
    const publication = this.#messages.get(topic);
    if (publication === undefined || !this.#expired(publication)) return publication;
    this.#expire(topic, publication);
    return undefined;
  }

  /** Those that a filter takes, a part at a time: see TopicWalk. */
  walk(filter: string): { advance(steps: number, found: (publication: Publication) => void): boolean } {
    const walk = this.#messages.match(filter);
    return {
      advance: (steps, found) =>
        walk.advance(steps, (publication, topic) => {
          if (this.#expired(publication)) this.#expire(topic, publication);
          else found(publication);
        }),
    };
  }

  /** All that a crash leaves, for a new generation of the store. */
  *live(): Iterable<Publication> {
    const walk = this.#messages.all();
    for (let more = true; more; ) {
      const some: Publication[] = [];
      more = walk.advance(SLICE, (publication) => some.push(publication));
      for (const publication of some) if (lasting(publication.topic)) yield publication;
    }
  }

  #expired({ messageExpiry }: Publication): boolean {
    return messageExpiry !== undefined && messageExpiry <= this.#options.now();
  }

  #expire(topic: string, publication: Publication): void {
    if (this.#messages.get(topic) !== publication) return;
    this.#remove(topic, publication);
    if (lasting(topic)) this.#options.store.retain({ ...publication, payload: new Uint8Array(0) });
  }

  #put(publication: Publication): void {
    const before = this.#messages.get(publication.topic);
    this.#bytes += weightOf(publication) - (before === undefined ? 0 : weightOf(before));
    this.#messages.set(publication.topic, publication);
  }

  #remove(topic: string, publication: Publication): void {
    this.#bytes -= weightOf(publication);
    this.#messages.delete(topic);
  }
}

/** What the broker says of itself is said anew after a start. */
function lasting(topic: string): boolean {
  return !topic.startsWith("$SYS/");
}
