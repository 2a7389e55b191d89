import type { Peer } from "../../datagram/index.js";
import type { Dedup, DedupEntry } from "../dedup.js";
import { emptyMessage, type Message } from "../message.js";
import type { Effect } from "../outcome.js";

/** A message that brought an answer, and what it still wants of us. */
export class Arrival {
  readonly peer: Peer;
  readonly #message: Message;
  readonly #received: Dedup;
  /** Undefined: it is not confirmable, or was refused. */
  #entry: DedupEntry | undefined;

  /** `entry`: of a confirmable message. */
  constructor(peer: Peer, message: Message, received: Dedup, entry: DedupEntry | undefined) {
    this.peer = peer;
    this.#message = message;
    this.#received = received;
    this.#entry = entry;
  }

  /** In the acknowledgement of the request: so it is surely the answer to that. */
  get piggybacked(): boolean {
    return this.#message.type === "ACK";
  }

  /** Its sender will send it again if it is refused. */
  get confirmable(): boolean {
    return this.#message.type === "CON";
  }

  /** Its duplicates are acknowledged too (RFC 7252 4.2). */
  acknowledge(effects: Effect[]): void {
    if (this.#entry === undefined) return;
    const bytes = emptyMessage("ACK", this.#message.messageId);
    this.#received.setReply(this.#entry, bytes);
    effects.push({ kind: "send", peer: this.peer, bytes });
  }

  /** It was not taken: its duplicate is a new message. */
  refuse(): void {
    if (this.#entry !== undefined) this.#received.forget(this.#entry);
    this.#entry = undefined;
  }
}
