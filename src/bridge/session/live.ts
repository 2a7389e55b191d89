import { RangeSet } from "./range-set.js";
import type { Change, Servers, SessionState } from "./session.js";

const NO_SERVERS: Servers = { home: undefined, clean: [] };

/** The state as it is now. */
export class LiveState {
  readonly #handedOver = [new RangeSet(), new RangeSet()] as const;
  /** The last sequence of each by its first one. */
  readonly #parcels = new Map<number, number>();
  readonly #received = new Set<number>();
  #servers = NO_SERVERS;

  apply(change: Change): void {
    switch (change.kind) {
      case "handedOver":
        this.#handedOver[change.lane].add(change);
        return;
      case "parcel":
        this.#parcels.set(change.first, change.last);
        return;
      case "received":
        this.#received.add(change.id);
        return;
      case "completed":
        this.#received.delete(change.id);
        return;
      case "reset":
        for (const set of this.#handedOver) set.clear();
        this.#received.clear();
        return;
      case "servers":
        this.#servers = { home: change.home, clean: [...change.clean] };
    }
  }

  /** Takes away what is only about sequences up to these, by lane. */
  forget(settled: readonly [number, number]): void {
    this.#handedOver[0].forget(settled[0]);
    this.#handedOver[1].forget(settled[1]);
    for (const [first, last] of this.#parcels) if (last <= settled[0]) this.#parcels.delete(first);
  }

  /** The changes that make it from nothing. */
  changes(): Change[] {
    const changes: Change[] = [];
    for (const lane of [0, 1] as const)
      for (const { first, last } of this.#handedOver[lane].ranges)
        changes.push({ kind: "handedOver", lane, first, last });
    for (const [first, last] of this.#parcels) changes.push({ kind: "parcel", first, last });
    for (const id of this.#received) changes.push({ kind: "received", id });
    if (this.#servers !== NO_SERVERS) changes.push({ kind: "servers", ...this.#servers });
    return changes;
  }

  /** A copy. */
  view(fresh: boolean): SessionState {
    const parcels = Array.from(this.#parcels, ([first, last]) => ({ first, last }));
    return {
      fresh,
      handedOver: [[...this.#handedOver[0].ranges], [...this.#handedOver[1].ranges]],
      parcels: parcels.sort((a, b) => a.first - b.first),
      received: new Set(this.#received),
      servers: this.#servers,
    };
  }
}
