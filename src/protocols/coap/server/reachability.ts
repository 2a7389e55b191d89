import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Peer } from "../../datagram/index.js";

/** ms. A secret makes challenges for so long, and is accepted for as long again: none is older than 600 s. */
const SECRET_LIFETIME = 300_000;
/** ms. Who has shown that it is where it says is believed for so long. */
const PROOF_LIFETIME = 600_000;
/** Bytes. */
const CHALLENGE_LENGTH = 8;

/**
 * Who receives what is sent to its address: anybody can write any address into a datagram (RFC 7252 11.3, RFC 9175 2.4). A peer with
 * an identity has shown it in its handshake; others show it by an Echo option (RFC 9175 2.2) or by the acknowledgement of a message
 * that only they have seen. A challenge is a MAC of the address, so that nothing is kept of those who never answer; those who did are
 * at most `capacity`, the one whose proof is oldest goes first. Times are in ms from any fixed start.
 */
export class Reachability {
  readonly #capacity: number;
  /** By peer, when it was proved last: in that order. */
  readonly #proved = new Map<string, number>();
  #current = randomBytes(16);
  #previous = randomBytes(16);
  #since: number | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#proved.size;
  }

  isProved({ id, identity }: Peer, now: number): boolean {
    if (identity !== undefined) return true;
    const time = this.#proved.get(id);
    return time !== undefined && now - time < PROOF_LIFETIME;
  }

  prove({ id, identity }: Peer, now: number): void {
    if (identity !== undefined) return;
    this.#proved.delete(id);
    this.#proved.set(id, now);
    for (const oldest of this.#proved.keys()) {
      if (this.#proved.size <= this.#capacity) break;
      this.#proved.delete(oldest);
    }
  }

  forget(peer: Peer): void {
    this.#proved.delete(peer.id);
  }

  /** The value of an Echo option that only this peer gets to see. */
  challenge(peer: Peer, now: number): Uint8Array {
    this.#rotate(now);
    return mac(this.#current, peer);
  }

  /** Whether it is one of its challenges, not older than 600 s; if so, it is proved. */
  answer(peer: Peer, echo: Uint8Array, now: number): boolean {
    this.#rotate(now);
    if (echo.length !== CHALLENGE_LENGTH) return false;
    const right = timingSafeEqual(mac(this.#current, peer), echo) || timingSafeEqual(mac(this.#previous, peer), echo);
    if (right) this.prove(peer, now);
    return right;
  }

  #rotate(now: number): void {
    this.#since ??= now;
    const age = now - this.#since;
    if (age < SECRET_LIFETIME) return;
    this.#previous = age < 2 * SECRET_LIFETIME ? this.#current : randomBytes(16);
    this.#current = randomBytes(16);
    this.#since = now;
  }
}

function mac(secret: Uint8Array, peer: Peer): Uint8Array {
  return createHmac("sha256", secret).update(peer.id).digest().subarray(0, CHALLENGE_LENGTH);
}
