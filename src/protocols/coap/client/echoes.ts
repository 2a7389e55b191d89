import type { Peer } from "../../datagram/index.js";
import type { Option } from "../message.js";
import { OPTION } from "../options.js";

/** Bytes of an Echo value (RFC 9175 2.2.1). */
const LONGEST = 40;

/**
 * The Echo values that servers gave with their answers, to go with the next request to each (RFC 9175 2.3): so a server need not
 * refuse it first, nor keep its answers short. A value goes to the peer that gave it alone, whose security association is part of
 * it. At most `capacity` are kept; that which came first goes first.
 */
export class Echoes {
  readonly #capacity: number;
  /** By peer, in the order in which they came. */
  readonly #given = new Map<string, Uint8Array>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#given.size;
  }

  /** `options`: of an answer of this peer, which need not be checked. */
  hear(peer: Peer, options: readonly Option[]): void {
    const given = options.find(({ number }) => number === OPTION.echo)?.value;
    if (given === undefined || given.length === 0 || given.length > LONGEST) return;
    this.#given.delete(peer.id);
    // A copy: it may be a view of a whole datagram.
    this.#given.set(peer.id, Uint8Array.from(given));
    if (this.#given.size <= this.#capacity) return;
    const [oldest] = this.#given.keys();
    if (oldest !== undefined) this.#given.delete(oldest);
  }

  /** The options of the next request to this peer, with what it gave. One that echoes something already stays as it is. */
  addTo(peer: Peer, options: readonly Option[]): readonly Option[] {
    const value = this.#given.get(peer.id);
    if (value === undefined) return options;
    this.#given.delete(peer.id);
    const echoes = options.some(({ number }) => number === OPTION.echo);
    return echoes ? options : [...options, { number: OPTION.echo, value }];
  }

  /** What it gave belongs to a session that is no more. */
  forget(peer: Peer): void {
    this.#given.delete(peer.id);
  }
}
