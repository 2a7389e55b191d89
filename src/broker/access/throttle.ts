/** How many failures are let pass at once, and after how many ms one of them is forgotten. */
export interface Allowance {
  readonly burst: number;
  readonly every: number;
}

/**
 * Counts failures by a key and forgets them at a steady pace (a leaky bucket): who fails more often than that is refused until
 * enough are forgotten. Its table is bounded; the key that was still the longest makes room.
 */
export class Throttle {
  readonly #allowance: Allowance;
  readonly #most: number;
  readonly #buckets = new Map<string, { level: number; at: number }>();

  constructor(allowance: Allowance, most = 4_096) {
    this.#allowance = allowance;
    this.#most = most;
  }

  refuses(key: string, now: number): boolean {
    // Room for one more: a level between two whole numbers is on its way to the lower one.
    return this.#level(key, now) > this.#allowance.burst - 1;
  }

  failed(key: string, now: number): void {
    const level = this.#level(key, now) + 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { level, at: now });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#most) break;
      this.#buckets.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#buckets.delete(key);
  }

  get size(): number {
    return this.#buckets.size;
  }

  #level(key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? 0 : Math.max(0, bucket.level - Math.max(0, now - bucket.at) / this.#allowance.every);
  }
}
