/** Between two looks at what stands at the head, in ms. */
const EVERY = 1000;

/** Looks now and then whether something left is worth nothing any more, while something is left. Keeps no process alive. */
export class Sweep {
  readonly #look: () => "empty" | "later" | "more";
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `look` does no more than a bounded part of it at once, and says `more` where that was not all. */
  constructor(look: () => "empty" | "later" | "more") {
    this.#look = look;
  }

  /** Something came in. */
  touch(): void {
    this.#after(EVERY);
  }

  /** More is stale than could leave at once. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#after(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #after(wait: number): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const left = this.#look();
      if (left !== "empty") this.#after(left === "more" ? 0 : EVERY);
    }, wait).unref();
  }
}
