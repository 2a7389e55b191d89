import type { Limits } from "../limits.js";
import { detach, type Publication, weightOf } from "../publication.js";
import type { HowSent } from "../session/delivery.js";

/** A QoS 0 message that waits for the one before it. */
export interface Waiting {
  readonly publication: Publication;
  readonly how: HowSent;
}

/** QoS 0 messages that wait for one client, bounded as `broker.queue` says. */
export class WaitingMessages {
  readonly #bounds: Limits["queue"];
  readonly #dropped: () => void;
  #entries: Waiting[] = [];
  #first = 0;
  #bytes = 0;

  constructor(bounds: Limits["queue"], dropped: () => void) {
    this.#bounds = bounds;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#entries.length - this.#first;
  }

  /** It, or the oldest, is dropped where as much waits as may. */
  add(publication: Publication, how: HowSent): void {
    const { messages, size, whenFull } = this.#bounds;
    const weight = weightOf(publication);
    while (this.size >= messages || this.#bytes + weight > size) {
      this.#dropped();
      if (whenFull === "drop-newest" || this.take() === undefined) return;
    }
    this.#entries.push({ publication: detach(publication), how });
    this.#bytes += weight;
  }

  /** The oldest. */
  take(): Waiting | undefined {
    const oldest = this.#entries[this.#first];
    if (oldest === undefined) return undefined;
    this.#first++;
    this.#bytes -= weightOf(oldest.publication);
    if (this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return oldest;
  }

  clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}
