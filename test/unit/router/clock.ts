import type { SetTimer } from "../../../src/router/index.js";

/** A clock that stands still until it is told to go on. */
export interface FakeClock {
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** Timers that are set. */
  readonly timers: number;
  /** Goes on by so many ms: runs what comes due in its order, and all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Jumps without running anything, as a clock that is set does. */
  set(time: number): void;
}

/** Lets everything that promises have in store happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(start = 0): FakeClock {
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  let time = start;

  async function advance(ms: number): Promise<void> {
    const target = time + ms;
    for (;;) {
      await settled();
      const [next] = [...timers].sort((one, other) => one.at - other.at);
      if (next === undefined || next.at > target) break;
      timers.delete(next);
      time = Math.max(time, next.at);
      next.run();
    }
    time = target;
  }

  return {
    now: () => time,
    setTimer: (run, ms) => {
      const timer = { at: time + Math.max(0, ms), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    get timers() {
      return timers.size;
    },
    advance,
    set: (to) => {
      time = to;
    },
  };
}
