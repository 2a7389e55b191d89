/** ms. So long the next message waits for a client that may fetch the rest of this one: a round trip over the slowest links. */
const PATIENCE = 10_000;

/** A message of which a notification holds the first block alone: the client fetches the others (RFC 7959 2.6), if it knows how. */
export class Transfer {
  readonly body: Uint8Array;
  #timer: NodeJS.Timeout | undefined;
  #done: (() => void) | undefined;
  #ended = false;

  constructor(body: Uint8Array) {
    this.body = body;
  }

  /** Nobody fetches any of it any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves once the rest was fetched, or is not going to be. `partial`: there is a rest. */
  rest(partial: boolean): Promise<void> {
    if (!partial) this.#ended = true;
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#wait();
    });
  }

  /** A block of it is fetched: from this byte on, so many. */
  fetched(start: number, size: number): void {
    if (start + size >= this.body.length) this.end();
    else if (this.#done !== undefined) this.#wait();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#done?.();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), PATIENCE);
    this.#timer.unref();
  }
}
