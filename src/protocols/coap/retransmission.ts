import type { Peer } from "../datagram/index.js";

/** The transmission parameters of RFC 7252 4.8, in ms. */
export interface Timing {
  readonly ackTimeout: number;
  /** At least 1: the first time-out is anything between 1 and this many times `ackTimeout`. */
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  /** How long a message id of a confirmable message means that message. */
  readonly exchangeLifetime: number;
  /** The same for a non-confirmable one. */
  readonly nonLifetime: number;
}

export const DEFAULT_TIMING: Timing = {
  ackTimeout: 2000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  exchangeLifetime: 247_000,
  nonLifetime: 145_000,
};

interface Transmission {
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  timeout: number;
  due: number;
  retransmissions: number;
}

/** Confirmable messages that wait for their acknowledgement (RFC 7252 4.2). Pure: time comes in. */
export class Retransmission {
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #open = new Map<string, Transmission>();

  /** `random`: from 0 up to 1. */
  constructor(timing: Timing, random: () => number) {
    this.#timing = timing;
    this.#random = random;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A message that was sent just now. `key`: peer and message id, for that is what an acknowledgement carries (RFC 7252 4.2). */
  add(key: string, peer: Peer, bytes: Uint8Array, now: number): void {
    const { ackTimeout, ackRandomFactor } = this.#timing;
    const timeout = ackTimeout * (1 + this.#random() * (ackRandomFactor - 1));
    this.#open.set(key, { peer, bytes, timeout, due: now + timeout, retransmissions: 0 });
  }

  /** It was acknowledged or reset. False: no such message is open. */
  settle(key: string): boolean {
    return this.#open.delete(key);
  }

  /** When `tick` wants to be called. */
  get deadline(): number | undefined {
    let earliest: number | undefined;
    for (const { due } of this.#open.values()) if (earliest === undefined || due < earliest) earliest = due;
    return earliest;
  }

  /** What to send again, and how many messages were given up. */
  tick(now: number): { readonly again: readonly Transmission[]; readonly lost: number } {
    const again: Transmission[] = [];
    let lost = 0;
    for (const [key, transmission] of this.#open) {
      if (transmission.due > now) continue;
      if (transmission.retransmissions === this.#timing.maxRetransmit) {
        this.#open.delete(key);
        lost++;
        continue;
      }
      transmission.retransmissions++;
      transmission.timeout *= 2;
      transmission.due = now + transmission.timeout;
      again.push(transmission);
    }
    return { again, lost };
  }
}
