/** Whoever can be asked to take nothing in for a while: the connection of a publisher. */
export interface Waiter {
  pressed(): void;
  relieved(): void;
}

/**
 * Publishers wait for subscribers that take less than comes for them: within `route`, a subscriber's connection says that it is
 * full; the publisher then reads nothing more until that is relieved.
 */
export class Pressure {
  /** Who said so since it was last asked. */
  #hit: Fullness | undefined;

  hit(fullness: Fullness): void {
    this.#hit = fullness;
  }

  /** Makes the publisher wait if what it published filled somebody up. */
  charge(waiter: Waiter): void {
    if (this.#hit === undefined) return;
    this.#hit.keep(waiter);
    this.#hit = undefined;
  }

  /** What devices publish waits for nobody. */
  forget(): void {
    this.#hit = undefined;
  }
}

/** Of one connection that is full: since when, and who waits for it. */
export class Fullness {
  readonly since: number;
  /** Whose it is. Who waited for itself would never read the answers that relieve it. */
  readonly #owner: Waiter;
  /** When it took something last. */
  progressed: number;
  readonly #waiters = new Set<Waiter>();
  /** It has been full for so long that nobody waits for it any more. */
  stalled = false;

  constructor(owner: Waiter, since: number) {
    this.#owner = owner;
    this.since = since;
    this.progressed = since;
  }

  keep(waiter: Waiter): void {
    if (this.stalled || waiter === this.#owner || this.#waiters.has(waiter)) return;
    this.#waiters.add(waiter);
    waiter.pressed();
  }

  release(): void {
    for (const waiter of this.#waiters) waiter.relieved();
    this.#waiters.clear();
  }

  stall(): void {
    this.stalled = true;
    this.release();
  }
}
