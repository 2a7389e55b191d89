/** A token bucket: so many a second, and as many at once. */
export class Rate {
  readonly #perSecond: number;
  #tokens: number;
  #filled: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filled = now;
  }

  /** Takes one, also where there is none: false, and better wait until `refill` says true. */
  take(now: number): boolean {
    this.refill(now);
    this.#tokens -= 1;
    return this.#tokens > 0;
  }

  /** Whether there are some. `now` in ms. */
  refill(now: number): boolean {
    const more = ((now - this.#filled) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + Math.max(0, more));
    this.#filled = now;
    return this.#tokens > 0;
  }
}
