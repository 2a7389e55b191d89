import type { Exchange } from "./parcel.js";
import type { Change, SessionStore } from "./session.js";

/** Notes durably of which messages PUBREC came: all of one turn at once. */
export class Notes {
  readonly #store: SessionStore;
  readonly #noted: (exchanges: readonly Exchange[]) => void;
  #waiting: Exchange[] = [];

  /** `noted` is called once that is stored. */
  constructor(store: SessionStore, noted: (exchanges: readonly Exchange[]) => void) {
    this.#store = store;
    this.#noted = noted;
  }

  add(exchange: Exchange): void {
    if (this.#waiting.push(exchange) > 1) return;
    queueMicrotask(() => {
      const exchanges = this.#waiting;
      this.#waiting = [];
      this.#store.record(exchanges.map(changeOf)).then(
        () => this.#noted(exchanges),
        // The store closes: nothing may follow from it any more.
        () => {},
      );
    });
  }
}

function changeOf({ parcel: { lane, first, last } }: Exchange): Change {
  return { kind: "handedOver", lane, first, last };
}
