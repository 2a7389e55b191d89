import type { Store } from "./store.js";

/** A store that keeps nothing: a restart empties the broker. */
export function memoryStore(): Store {
  const ignore = (): void => {};
  return {
    takeRecovered: () => ({ sessions: [], retained: [] }),
    putSession: ignore,
    dropSession: ignore,
    putSubscription: ignore,
    dropSubscription: ignore,
    enqueue: ignore,
    released: ignore,
    settled: ignore,
    received: ignore,
    completed: ignore,
    retain: ignore,
    stored: (done) => done(),
    close: () => Promise.resolve(),
  };
}
