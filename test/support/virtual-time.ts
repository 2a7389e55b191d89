/**
 * Time that goes on only from one event to the next: minutes of retransmissions take milliseconds, and a seed repeats them.
 * While it is installed `setTimeout`, `clearTimeout` and `performance.now` are its own; `setImmediate` and promises stay as they are.
 */
export class VirtualTime {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  /** A binary heap by time, then by order. */
  readonly #heap: Event[] = [];
  #now = 0;
  #order = 0;

  /** ms since it was made. A function of its own, to be handed on. */
  readonly now = (): number => this.#now;

  /** Until what it returns is called. */
  install(): () => void {
    const set = (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Timer =>
      this.#add(ms, () => act(...args));
    performance.now = this.now;
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: (timer?: unknown) => timer instanceof Timer && timer.end(),
    });
    return () => {
      // Its own again: what hides the method of the class goes.
      Reflect.deleteProperty(performance, "now");
      Object.assign(globalThis, this.#real);
    };
  }

  after(ms: number, act: () => void): void {
    this.#add(ms, act);
  }

  /** Lets time go on until the promise settles; rejects when nothing is left to happen, or after so many ms of this time. */
  async until<Result>(promise: Promise<Result>, limit = 3_600_000): Promise<Result> {
    const end = this.#now + limit;
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    for (await turn(); !settled; await turn())
      if (!this.#step(end)) throw new Error(`still waiting after ${this.#now} ms`);
    return promise;
  }

  /** Lets so many ms pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (await turn(); this.#step(end); ) await turn();
    this.#now = end;
  }

  /** All that happens at the next moment at which something does. False: nothing does before `end`. */
  #step(end: number): boolean {
    const [next] = this.#heap;
    if (next === undefined || next.at > end) return false;
    this.#now = next.at;
    for (let event = this.#heap[0]; event !== undefined && event.at <= this.#now; event = this.#heap[0]) {
      this.#takeFirst();
      if (!event.timer.ended) event.act();
    }
    return true;
  }

  #add(ms: number, act: () => void): Timer {
    const timer = new Timer();
    // As Node has it: at least 1 ms, and a time that is no number is 1 ms.
    const event: Event = { at: this.#now + (ms >= 1 ? ms : 1), order: this.#order++, act, timer };
    let at = this.#heap.push(event) - 1;
    for (; at > 0; at = (at - 1) >> 1) {
      const parent = this.#heap[(at - 1) >> 1];
      if (parent === undefined || !isBefore(event, parent)) break;
      this.#heap[at] = parent;
    }
    this.#heap[at] = event;
    return timer;
  }

  #takeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      if (left === undefined) break;
      const [child, next] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
      if (!isBefore(child, last)) break;
      this.#heap[at] = child;
      at = next;
    }
    this.#heap[at] = last;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
  readonly timer: Timer;
}

class Timer {
  ended = false;
  end(): void {
    this.ended = true;
  }
  unref(): this {
    return this;
  }
  ref(): this {
    return this;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Until every promise that can settle without time going on has. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
