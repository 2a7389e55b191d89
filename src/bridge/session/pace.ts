/**
 * How many messages may be sent now so that no second sees more than `rate` of them: a bucket that holds a tenth of a
 * second's worth, so that a backlog goes out evenly. Times in ms from any fixed start, never set back. Pure.
 */
export class Pace {
  readonly #rate: number | undefined;
  readonly #most: number;
  #tokens: number;
  #at = Number.NEGATIVE_INFINITY;

  /** `rate` in messages a second; undefined: no limit. */
  constructor(rate: number | undefined) {
    this.#rate = rate;
    this.#most = Math.max(1, (rate ?? 0) / 10);
    this.#tokens = this.#most;
  }

  /** Takes `count`, or says in how many ms to ask again. More than the bucket holds is let through when it is full. */
  take(count: number, now: number): number {
    if (this.#rate === undefined) return 0;
    if (this.#at !== Number.NEGATIVE_INFINITY)
      this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
    const needed = Math.min(count, this.#most);
    if (this.#tokens >= needed) {
      this.#tokens -= count;
      return 0;
    }
    return Math.ceil(((needed - this.#tokens) / this.#rate) * 1000);
  }
}
