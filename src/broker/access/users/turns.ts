/**
 * Lets few run at once and few wait: each verification takes a core, memory, and a thread that the disk needs too. Nobody's
 * crowd takes all places: one address may have half of them.
 */
export class Turns {
  readonly #places: number;
  #free: number;
  readonly #waiting: ((may: boolean) => void)[] = [];
  readonly #crowds = new Map<string, number>();
  #closed = false;

  constructor({ running, places }: { readonly running: number; readonly places: number }) {
    this.#free = running;
    this.#places = places;
  }

  /** Runs it when its turn comes. Undefined: there is no place, or none any more. Rejects as `run` does. */
  async take<T>(from: string, run: () => Promise<T>): Promise<T | undefined> {
    const crowd = this.#crowds.get(from) ?? 0;
    if (this.#closed || this.#waiting.length >= this.#places || crowd >= this.#places / 2) return undefined;
    this.#crowds.set(from, crowd + 1);
    try {
      if (!(await this.#turn())) return undefined;
      try {
        return await run();
      } finally {
        this.#pass();
      }
    } finally {
      const left = (this.#crowds.get(from) ?? 1) - 1;
      if (left === 0) this.#crowds.delete(from);
      else this.#crowds.set(from, left);
    }
  }

  /** Whoever waits is told that there is no place. What runs, ends by itself. */
  close(): void {
    this.#closed = true;
    for (const go of this.#waiting.splice(0)) go(false);
  }

  #turn(): boolean | Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((go) => this.#waiting.push(go));
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next) next(true);
    else this.#free++;
  }
}
