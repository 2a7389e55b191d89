import type { Store } from "./store.js";

/** Nothing survives: for brokers that are asked to keep nothing. */
export function memoryStore(): Store {
  const nothing = (): void => {};
  return {
    takeRecovered: () => ({ sessions: [], retained: [] }),
    putSession: nothing,
    dropSession: nothing,
    putSubscription: nothing,
    dropSubscription: nothing,
    enqueue: nothing,
    released: nothing,
    settled: nothing,
    received: nothing,
    completed: nothing,
    retain: nothing,
    stored: (done) => done(),
    close: async () => {},
  };
}
