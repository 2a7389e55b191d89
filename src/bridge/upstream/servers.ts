export interface ServersOptions {
  /** In order of preference, never empty. */
  readonly urls: readonly string[];
  /** How long to leave a server alone after so many failures in a row, in ms. */
  readonly pause: (failures: number) => number;
}

interface Health {
  failures: number;
  /** Not to be tried before. */
  after: number;
}

/**
 * Which server of an upstream to try next: the first in order of preference that is not being left alone. Each has its own
 * failures and its own pauses. Times in ms from any fixed start. Pure.
 */
export class Servers {
  readonly #options: ServersOptions;
  readonly #health: ReadonlyMap<string, Health>;

  constructor(options: ServersOptions) {
    this.#options = options;
    this.#health = new Map(options.urls.map((url) => [url, { failures: 0, after: 0 }]));
  }

  /** The server to try, and in how many ms. */
  next(now: number): { readonly url: string; readonly wait: number } {
    let best: { url: string; wait: number } | undefined;
    for (const [url, { after }] of this.#health) {
      const wait = Math.max(0, after - now);
      if (best === undefined || wait < best.wait) best = { url, wait };
    }
    return best ?? { url: "", wait: 0 };
  }

  /** Those ahead of this one. */
  ahead(url: string): readonly string[] {
    return this.#options.urls.slice(0, Math.max(0, this.#options.urls.indexOf(url)));
  }

  /** It could not be reached, or its connection was lost. */
  failed(url: string, now: number): void {
    const health = this.#health.get(url);
    if (health === undefined) return;
    health.after = now + this.#options.pause(health.failures);
    health.failures += 1;
  }

  /** It works. */
  well(url: string): void {
    const health = this.#health.get(url);
    if (health !== undefined) health.failures = 0;
  }

  /** To be taken now if nothing else is against it. */
  prefer(url: string): void {
    const health = this.#health.get(url);
    if (health !== undefined) health.after = 0;
  }
}
