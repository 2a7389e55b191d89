import { type Association, identityKey } from "./association.js";
import { Deadlines } from "./deadlines.js";
import { networkOf } from "./network.js";

/** What is with one address: a session, and the handshake that may come in its place. */
export interface Slot {
  open: Association | undefined;
  shaking: Association | undefined;
}

/** In ms. Sessions are put in the order in which they were heard no finer than this. */
const COARSE = 1_000;
const NONE: ReadonlySet<Association> = new Set();

/**
 * All associations. Invariants:
 * - each is in `deadlines` if its connection waits for something, and in the table of ids from the beginning if it has one;
 * - one that shakes hands is the `shaking` one of its address;
 * - one that is open is in `open` and among those of its identity; it is the `open` one of its address, or it has a connection id.
 */
export class Registry {
  readonly deadlines = new Deadlines<Association>();
  /** The one that was heard longest ago first. */
  readonly open = new Set<Association>();
  /** Servers, the oldest first. */
  readonly accepting = new Set<Association>();
  readonly connecting = new Set<Association>();
  readonly byId = new Map<string, Association>();
  readonly byCid = new Map<string, Association>();
  /** How many of those in `accepting` are with an address of IPv4, or a network of IPv6: none is not in it. */
  readonly perNetwork = new Map<string, number>();
  readonly #slots = new Map<string, Slot>();
  readonly #byIdentity = new Map<string | undefined, Set<Association>>();

  at(address: string): Slot | undefined {
    return this.#slots.get(address);
  }

  acceptingFrom(address: string): number {
    return this.perNetwork.get(networkOf(address)) ?? 0;
  }

  /** All open ones of its identity, itself among them, the one that was heard longest ago first. */
  ofIdentity(association: Association): ReadonlySet<Association> {
    return this.#byIdentity.get(identityKey(association.identity)) ?? NONE;
  }

  /** Its handshake begins. There must be none at its address. */
  begin(association: Association): void {
    const { at, side, cidKey, id } = association;
    this.#slot(at.id).shaking = association;
    this.byId.set(id, association);
    if (cidKey !== "") this.byCid.set(cidKey, association);
    if (side === "client") {
      this.connecting.add(association);
      return;
    }
    this.accepting.add(association);
    this.perNetwork.set(networkOf(at.address), this.acceptingFrom(at.address) + 1);
  }

  /** Its handshake is completed. The open one at its address, if there is one, was removed, or has a connection id. */
  settle(association: Association): void {
    this.#endShaking(association);
    const slot = this.#slot(association.at.id);
    slot.open = association;
    this.open.add(association);
    const key = identityKey(association.identity);
    const others = this.#byIdentity.get(key);
    if (others === undefined) this.#byIdentity.set(key, new Set([association]));
    else others.add(association);
  }

  hear(association: Association, now: number): void {
    if (now - association.heard < COARSE) return;
    association.heard = now;
    if (!this.open.delete(association)) return;
    this.open.add(association);
    const same = this.#byIdentity.get(identityKey(association.identity));
    if (same?.delete(association)) same.add(association);
  }

  /** It went to another address, with its connection id. */
  move(association: Association, to: Association["at"]): void {
    this.#leave(association);
    association.at = to;
    const slot = this.#slot(to.id);
    // What is found by its address alone keeps it.
    if (slot.open === undefined || slot.open.hasCid) slot.open = association;
  }

  remove(association: Association): void {
    const { id, cidKey } = association;
    if (association.established === undefined) this.#endShaking(association);
    this.#leave(association);
    this.deadlines.set(association, undefined);
    this.open.delete(association);
    this.byId.delete(id);
    if (cidKey !== "") this.byCid.delete(cidKey);
    const key = identityKey(association.identity);
    const others = this.#byIdentity.get(key);
    others?.delete(association);
    if (others?.size === 0) this.#byIdentity.delete(key);
  }

  #endShaking(association: Association): void {
    const { at, side } = association;
    const slot = this.#slots.get(at.id);
    if (slot?.shaking === association) slot.shaking = undefined;
    if (side === "client") {
      this.connecting.delete(association);
      return;
    }
    if (!this.accepting.delete(association)) return;
    const others = this.acceptingFrom(at.address) - 1;
    if (others > 0) this.perNetwork.set(networkOf(at.address), others);
    else this.perNetwork.delete(networkOf(at.address));
  }

  #slot(address: string): Slot {
    const slot = this.#slots.get(address) ?? { open: undefined, shaking: undefined };
    this.#slots.set(address, slot);
    return slot;
  }

  #leave({ at, id }: Association): void {
    const slot = this.#slots.get(at.id);
    if (slot === undefined) return;
    if (slot.open?.id === id) slot.open = undefined;
    if (slot.open === undefined && slot.shaking === undefined) this.#slots.delete(at.id);
  }
}
