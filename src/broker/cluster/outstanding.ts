interface Waiter {
  /** All that was begun before this one is to be over. */
  readonly upTo: number;
  readonly done: (error?: Error) => void;
  error: Error | undefined;
}

/** What was asked of Redis and is not answered yet; and who waits for that, in order. */
export class Outstanding {
  #begun = 0;
  /** Tickets, the oldest first. */
  readonly #open = new Set<number>();
  #waiting: Waiter[] = [];
  #first = 0;

  get size(): number {
    return this.#open.size;
  }

  track(asked: PromiseLike<unknown>): void {
    const ticket = this.#begun++;
    this.#open.add(ticket);
    asked.then(
      () => this.#over(ticket, undefined),
      (error: unknown) => this.#over(ticket, error instanceof Error ? error : new Error(String(error))),
    );
  }

  /**
   * Calls back once all that was begun before is over: at once where it is. With an error where something of it failed while
   * this waited, whosever it was: too often not acknowledged is safe.
   */
  settled(done: (error?: Error) => void): void {
    if (this.#open.size === 0) done();
    else this.#waiting.push({ upTo: this.#begun, done, error: undefined });
  }

  #over(ticket: number, error: Error | undefined): void {
    this.#open.delete(ticket);
    if (error !== undefined) {
      for (let at = this.#first; at < this.#waiting.length; at++) {
        const waiter = this.#waiting[at];
        if (waiter !== undefined && waiter.upTo > ticket) waiter.error ??= error;
      }
    }
    this.#advance();
  }

  #advance(): void {
    const [oldest = this.#begun] = this.#open;
    for (;;) {
      const waiter = this.#waiting[this.#first];
      if (waiter === undefined || waiter.upTo > oldest) break;
      this.#first++;
      waiter.done(waiter.error);
    }
    if (this.#first * 2 <= this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}
