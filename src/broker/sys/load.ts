/** Minutes that the averages look back on, as those of the kernel and of mosquitto. */
export const SPANS = [1, 5, 15] as const;

/** How much a count grows in a minute: exponentially weighted averages over 1, 5 and 15 minutes. */
export class Load {
  #last: number | undefined;
  readonly #averages: number[] = SPANS.map(() => 0);

  /** The count as it is `elapsed` ms after the last time. */
  add(count: number, elapsed: number): void {
    const perMinute = this.#last === undefined ? 0 : ((count - this.#last) * 60_000) / Math.max(1, elapsed);
    this.#last = count;
    for (const [index, span] of SPANS.entries()) {
      const rest = Math.exp(-elapsed / (span * 60_000));
      this.#averages[index] = perMinute + rest * ((this.#averages[index] ?? 0) - perMinute);
    }
  }

  /** A minute's growth, in the order of SPANS. */
  get averages(): readonly number[] {
    return this.#averages;
  }
}
