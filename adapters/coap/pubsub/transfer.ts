/** Bytes that also a first block for a peer without a proof of its address holds. */
const SMALLEST_BLOCK = 64;
/** ms. So long the next message waits for a client that may fetch the rest of this one. */
const DOUBTFUL_PATIENCE = 2_000;
/** ms. The same where it is known that there is a rest: a round trip over the slowest links. */
const PATIENCE = 10_000;

/** A message of which a notification holds the first block alone: the client fetches the others (RFC 7959 2.6), if it knows how. */
export class Transfer {
  readonly body: Uint8Array;
  readonly #blockSize: number;
  #timer: NodeJS.Timeout | undefined;
  #done: (() => void) | undefined;
  #ended = false;

  constructor(body: Uint8Array, blockSize: number) {
    this.body = body;
    this.#blockSize = blockSize;
  }

  /** Nobody fetches any of it any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves once the rest was fetched, or is not going to be. `doubtful`: it may have gone out in a smaller block. */
  rest(doubtful: boolean): Promise<void> {
    const { length } = this.body;
    const cut = length > this.#blockSize;
    if (!(cut || (doubtful && length > SMALLEST_BLOCK))) this.#ended = true;
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#wait(cut ? PATIENCE : DOUBTFUL_PATIENCE);
    });
  }

  /** A block of it is fetched: from this byte on, so many. */
  fetched(start: number, size: number): void {
    if (start + size >= this.body.length) this.end();
    else if (this.#done !== undefined) this.#wait(PATIENCE);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#done?.();
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), ms);
    this.#timer.unref();
  }
}
