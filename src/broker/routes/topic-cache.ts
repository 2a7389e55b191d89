import { matches } from "../../core/topics.js";
import { hasWildcard } from "./filter-tree.js";

/** Topics, and bytes, of a generation; there are two. */
const TOPICS = 16_384;
const BYTES = 8 * 1024 * 1024;
/** What an entry takes besides its topic and its value, about. */
const ENTRY = 64;
/** Once there are more topics than room, one in so many that were not found is let in. */
const ADMITTED = 8;
/** Up to so many topics are compared with a filter that changed; where there are more, all go. */
const COMPARED = 256;

/** What is found again for a topic. */
export interface Weighed {
  /** Bytes, about. */
  readonly weight: number;
}

/**
 * Values by topic, in two generations: where the young one is full it becomes the old one, and what was old is dropped whole.
 * What is asked for again moves back to the young one. Nothing is searched for a victim, nothing is put in order, and where
 * topics go round that are more than there is room, most of them are left out instead of pushing each other out.
 */
export class TopicCache<T extends Weighed> {
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  /** Of the young generation. */
  #weight = 0;
  #missed = 0;

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(topic: string): T | undefined {
    const value = this.#young.get(topic);
    return value === undefined && this.#old.size > 0 ? this.#rejuvenate(topic) : value;
  }

  /** Of a topic that was not found. */
  add(topic: string, value: T): void {
    if (this.#old.size > 0 && this.#missed++ % ADMITTED !== 0) return;
    this.#put(topic, value);
  }

  /** The filter takes another part of its topics, or none any more. */
  forget(filter: string): void {
    if (!hasWildcard(filter)) {
      this.#drop(filter);
    } else if (this.size > COMPARED) {
      this.clear();
    } else {
      for (const topic of this.#young.keys()) if (matches(filter, topic)) this.#drop(topic);
      for (const topic of this.#old.keys()) if (matches(filter, topic)) this.#drop(topic);
    }
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }

  #drop(topic: string): void {
    const value = this.#young.get(topic);
    if (value === undefined) {
      this.#old.delete(topic);
    } else {
      this.#young.delete(topic);
      this.#weight -= weigh(topic, value);
    }
  }

  #rejuvenate(topic: string): T | undefined {
    const value = this.#old.get(topic);
    if (value !== undefined) {
      this.#old.delete(topic);
      this.#put(topic, value);
    }
    return value;
  }

  #put(topic: string, value: T): void {
    this.#weight += weigh(topic, value);
    this.#young.set(topic, value);
    if (this.#young.size < TOPICS && this.#weight < BYTES) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }
}

function weigh(topic: string, value: Weighed): number {
  return ENTRY + 2 * topic.length + value.weight;
}
