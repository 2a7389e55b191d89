import type { Peer } from "../datagram/index.js";
import { type Timed, Timers } from "./timers.js";

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

/** A confirmable message that waits for its acknowledgement. Opaque but for this: `Transmissions` changes it. */
export interface Transmission<Owner> {
  readonly peer: Peer;
  readonly messageId: number;
  readonly bytes: Uint8Array;
  /** Who is to hear what becomes of it. */
  readonly owner: Owner;
}

class Open<Owner> implements Transmission<Owner>, Timed {
  due = 0;
  place = -1;
  retransmissions = 0;
  readonly peer: Peer;
  readonly owner: Owner;
  messageId: number;
  bytes: Uint8Array;
  timeout: number;

  constructor(peer: Peer, messageId: number, bytes: Uint8Array, owner: Owner, timeout: number) {
    this.peer = peer;
    this.messageId = messageId;
    this.bytes = bytes;
    this.owner = owner;
    this.timeout = timeout;
  }
}

/** A message as an acknowledgement or a duplicate names it (RFC 7252 4.4). */
export function messageKey(peer: Peer, messageId: number): string {
  return `${peer.id}#${messageId}`;
}

/** Confirmable messages that wait for their acknowledgement (RFC 7252 4.2). Pure: time comes in. */
export class Transmissions<Owner> {
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #open = new Map<string, Open<Owner>>();
  readonly #timers = new Timers<Open<Owner>>();

  /** `random`: from 0 up to 1. */
  constructor(timing: Timing, random: () => number) {
    this.#timing = timing;
    this.#random = random;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A message that is sent just now. */
  add(peer: Peer, messageId: number, bytes: Uint8Array, owner: Owner, now: number): Transmission<Owner> {
    const { ackTimeout, ackRandomFactor } = this.#timing;
    const timeout = ackTimeout * (1 + this.#random() * (ackRandomFactor - 1));
    const open = new Open(peer, messageId, bytes, owner, timeout);
    this.#open.set(messageKey(peer, messageId), open);
    this.#timers.start(open, now + timeout);
    return open;
  }

  /** It was acknowledged or reset: its owner, or undefined where no such message is open. */
  settle(peer: Peer, messageId: number): Owner | undefined {
    const open = this.#open.get(messageKey(peer, messageId));
    if (open === undefined) return undefined;
    this.#drop(open);
    return open.owner;
  }

  /** Nobody wants to hear of it any more. Without effect on one that is over. */
  cancel(transmission: Transmission<Owner>): void {
    const open = this.#open.get(messageKey(transmission.peer, transmission.messageId));
    if (open === transmission) this.#drop(open);
  }

  /**
   * When it is due again another message goes in its place, with what is left of its time-outs (RFC 7641 4.5.2). Another message
   * has another id. Without effect on one that is over.
   */
  supersede(transmission: Transmission<Owner>, messageId: number, bytes: Uint8Array): void {
    const open = this.#open.get(messageKey(transmission.peer, transmission.messageId));
    if (open === undefined || open !== transmission) return;
    this.#open.delete(messageKey(open.peer, open.messageId));
    open.messageId = messageId;
    open.bytes = bytes;
    this.#open.set(messageKey(open.peer, messageId), open);
  }

  /** Nothing reaches this peer any more. */
  forget(peer: Peer): void {
    for (const open of this.#open.values()) if (open.peer.id === peer.id) this.#drop(open);
  }

  /** When `tick` wants to be called. */
  get deadline(): number | undefined {
    return this.#timers.next;
  }

  /** What to send again, and what was given up. */
  tick(now: number): { readonly again: readonly Transmission<Owner>[]; readonly lost: readonly Transmission<Owner>[] } {
    const again: Transmission<Owner>[] = [];
    const lost: Transmission<Owner>[] = [];
    for (let open = this.#timers.expire(now); open !== undefined; open = this.#timers.expire(now)) {
      if (open.retransmissions === this.#timing.maxRetransmit) {
        this.#drop(open);
        lost.push(open);
        continue;
      }
      open.retransmissions++;
      open.timeout *= 2;
      this.#timers.start(open, now + open.timeout);
      again.push(open);
    }
    return { again, lost };
  }

  #drop(open: Open<Owner>): void {
    this.#open.delete(messageKey(open.peer, open.messageId));
    this.#timers.stop(open);
  }
}
