import type { Parcel } from "./parcel.js";

/** How long a verdict holds, in ms: the upstream may be mended. */
const HOLDS = 10 * 60_000;
/** Topics that are remembered at most. */
const MOST = 1_000;

/**
 * Topics at whose messages the upstream closed the connection until each was given up, and the size of the smallest of them. The
 * next one of the topic, as large or larger, would cost as many connections again, and a device that goes on speaking would
 * stop the line: NATS closes at every topic with a dot in it. Times in ms from any fixed start. Pure.
 */
export class Condemned {
  readonly #topics = new Map<string, { size: number; until: number }>();

  /** It was given up. What is in a batch is not known by the batch's topic. */
  add({ entries, message: { topic, payload } }: Parcel, now: number): void {
    if (entries.length > 1) return;
    const size = Math.min(payload.length, this.#topics.get(topic)?.size ?? payload.length);
    this.#topics.delete(topic);
    this.#topics.set(topic, { size, until: now + HOLDS });
    for (const oldest of this.#topics.keys()) {
      if (this.#topics.size <= MOST) break;
      this.#topics.delete(oldest);
    }
  }

  holds({ message: { topic, payload } }: Parcel, now: number): boolean {
    if (this.#topics.size === 0) return false;
    const verdict = this.#topics.get(topic);
    if (verdict === undefined || payload.length < verdict.size) return false;
    if (now < verdict.until) return true;
    this.#topics.delete(topic);
    return false;
  }
}
