import type { Peer } from "../datagram/index.js";

const IDS = 65_536;
/** Ids are taken back in portions: for each it is known when its last id was given out. */
const PORTION = 4096;

interface Sequence {
  next: number;
  /** When the last id of each portion was given out, ms. Only of a peer that has got more than one portion. */
  left: number[] | undefined;
}

/**
 * Message ids of what we send, a sequence for each peer (RFC 7252 4.4). Invariants:
 * - towards a peer that is remembered no id is given out twice within `lifetime`: its sequence waits instead;
 * - at most `maxPeers` sequences are kept; the one that was not used for longest goes first.
 *
 * A peer that was forgotten begins anew at random. Of the n messages that it got within the lifetime before, the next one has the id
 * of one with a chance of n in 65536. It would be taken for a duplicate, and lost, as any datagram may be: its answer cannot be taken
 * for another's, since the token differs. Only one that was sent to before `maxPeers` others is forgotten, so n is small.
 */
export class MessageIds {
  readonly #lifetime: number;
  readonly #random: () => number;
  readonly #maxPeers: number;
  /** In the order of their last use. */
  readonly #peers = new Map<string, Sequence>();

  /** `random`: from 0 up to 1, so that no stranger can guess where a sequence begins. */
  constructor(lifetime: number, random: () => number, maxPeers = 16_384) {
    this.#lifetime = lifetime;
    this.#random = random;
    this.#maxPeers = maxPeers;
  }

  get peers(): number {
    return this.#peers.size;
  }

  /** Undefined: so many were given out within the lifetime that none is free. */
  next(peer: Peer, now: number): number | undefined {
    const sequence = this.#sequenceOf(peer);
    const id = sequence.next;
    const portion = Math.floor(id / PORTION);
    if (id % PORTION === 0 && now - (sequence.left?.[portion] ?? -Infinity) < this.#lifetime) return undefined;
    sequence.next = (id + 1) % IDS;
    if (sequence.next % PORTION === 0) {
      sequence.left ??= Array.from({ length: IDS / PORTION }, () => -Infinity);
      sequence.left[portion] = now;
    }
    return id;
  }

  /** Nothing will be sent to this peer any more. */
  forget(peer: Peer): void {
    this.#peers.delete(peer.id);
  }

  #sequenceOf(peer: Peer): Sequence {
    const known = this.#peers.get(peer.id);
    const sequence = known ?? { next: Math.floor(this.#random() * IDS), left: undefined };
    if (known !== undefined) this.#peers.delete(peer.id);
    this.#peers.set(peer.id, sequence);
    if (this.#peers.size > this.#maxPeers) {
      const [oldest] = this.#peers.keys();
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    return sequence;
  }
}
