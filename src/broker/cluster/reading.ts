import type { Retained } from "../retained.js";
import { publicationFrom } from "./codec.js";
import type { Redis } from "./redis.js";

/** While everything is read from Redis, what changes meanwhile is newer. */
export class Reading {
  #changes: (() => void)[] | undefined;
  #topics = new Set<string>();

  after(change: () => void): void {
    if (this.#changes === undefined) change();
    else this.#changes.push(change);
  }

  touched(topic: string): void {
    if (this.#changes !== undefined) this.#topics.add(topic);
  }

  isOld(topic: string): boolean {
    return this.#topics.has(topic);
  }

  async run(read: () => Promise<void>): Promise<void> {
    this.#changes ??= [];
    try {
      await read();
    } finally {
      const changes = this.#changes;
      this.#changes = undefined;
      this.#topics = new Set();
      for (const change of changes) change();
    }
  }
}

/** The retained messages of this process become those of Redis. */
export async function readRetained(redis: Redis, retained: Retained, reading: Reading): Promise<void> {
  const there = new Set<string>();
  for await (const packet of redis.persistence.createRetainedStream("#")) {
    const publication = publicationFrom(packet);
    if (publication === undefined) continue;
    there.add(publication.topic);
    if (!reading.isOld(publication.topic)) retained.keep(publication);
  }
  const gone = Array.from(retained.live(), ({ topic }) => topic);
  for (const topic of gone) {
    if (there.has(topic) || topic.startsWith("$SYS/") || reading.isOld(topic)) continue;
    retained.keep({ topic, payload: new Uint8Array(0), qos: 0, retain: true });
  }
}
