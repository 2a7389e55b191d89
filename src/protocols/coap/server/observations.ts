import { createHash } from "node:crypto";
import type { Peer } from "../../datagram/index.js";
import type { CoapResponse, NotifyOutcome } from "../request.js";

/** A state that is to go to an observer, and who waits to hear what becomes of it. */
export interface Notification {
  readonly state: CoapResponse;
  readonly confirmable: boolean | undefined;
  readonly settle: (outcome: NotifyOutcome) => void;
}

/** The request that begins an observation. */
export interface Registration {
  readonly peer: Peer;
  /** latin1. */
  readonly token: string;
  /** Its Cache-Key. */
  readonly key: string;
  readonly confirmable: boolean;
  /** The size exponent of blocks that it asks for (RFC 7959 2.6). */
  readonly szx: number | undefined;
}

/** One entry of the list of observers (RFC 7641 4.1). There may be many thousands: texts in place of Uint8Arrays save 100 bytes each. */
export class Observation {
  readonly peer: Peer;
  /** latin1. */
  readonly token: string;
  /** What is observed: the Cache-Key of the registration, or its hash. */
  readonly target: string;
  /** Whether the registration was: notifications are, unless the handler has it otherwise. */
  readonly confirmable: boolean;
  readonly szx: number | undefined;
  /** Of the last notification (RFC 7641 4.4), not yet cut to 24 bits. */
  sequence = -1;
  /** ms: when its peer showed last that it still wants to hear. */
  confirmedAt: number;
  /** Non-confirmable notifications since then. */
  unconfirmed = 0;
  /** Of the last notifications: a reset of any of them ends the observation (RFC 7641 3.6). */
  readonly messageIds: number[] = [];
  /** Confirmable, and not acknowledged yet. */
  flying: Notification | undefined;
  /** The newest state, which has to wait. */
  waiting: Notification | undefined;
  /** Of the state that was sent last, only the first block went out. */
  partial = false;
  ended = false;
  /** Of the handler, once it was told of its observer. */
  onEnd: (() => void) | undefined;

  constructor({ peer, token, key, confirmable, szx }: Registration, now: number) {
    this.peer = peer;
    this.token = token;
    this.target = targetOf(key);
    this.confirmable = confirmable;
    this.szx = szx;
    this.confirmedAt = now;
  }

  /** A reset of a notification so long ago is not understood any more; the next one is (RFC 7641 4.2). */
  sent(messageId: number): void {
    if (this.messageIds.length === KEPT_IDS) this.messageIds.shift();
    this.messageIds.push(messageId);
  }
}

/** The observations of one peer, and the one of them whose notification is on its way: one at a time (NSTART, RFC 7252 4.7). */
export interface Subscriber {
  readonly observations: Observation[];
  flying: Observation | undefined;
}

export interface ObservationsOptions {
  readonly maxObservers: number;
  readonly maxObserversPerPeer: number;
}

const KEPT_IDS = 4;
/** Bytes. A Cache-Key may be as long as a datagram: longer ones are kept as their hash. */
const MAX_TARGET = 64;

/**
 * The list of observers. Bounded in all and for each peer. When it is full, one whose peer has not shown yet that it is where it says
 * makes room, the oldest first: whoever forges addresses competes with others who do, not with those who are there.
 */
export class Observations {
  readonly #options: ObservationsOptions;
  readonly #byPeer = new Map<string, Subscriber>();
  /** Those that nobody confirmed yet. In the order of their registrations. */
  readonly #unproved = new Set<Observation>();
  #size = 0;

  constructor(options: ObservationsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  get peers(): number {
    return this.#byPeer.size;
  }

  of(peer: Peer): Subscriber | undefined {
    return this.#byPeer.get(peer.id);
  }

  all(): Observation[] {
    return [...this.#byPeer.values()].flatMap(({ observations }) => observations);
  }

  find(peer: Peer, token: string): Observation | undefined {
    return this.of(peer)?.observations.find((one) => one.token === token);
  }

  /** The observation that a registration takes the place of: with its token, or of the same target (RFC 7641 4.1). */
  replaced(peer: Peer, token: string, key: string): Observation[] {
    const target = targetOf(key);
    return this.of(peer)?.observations.filter((one) => one.token === token || one.target === target) ?? [];
  }

  /** Who received that message. */
  byMessageId(peer: Peer, messageId: number): Observation | undefined {
    return this.of(peer)?.observations.find(({ messageIds }) => messageIds.includes(messageId));
  }

  /** Whether there is room for one more of this peer, if need be in the place of the given one. */
  room(peer: Peer): { readonly ok: boolean; readonly instead?: Observation } {
    if ((this.of(peer)?.observations.length ?? 0) >= this.#options.maxObserversPerPeer) return { ok: false };
    if (this.#size < this.#options.maxObservers) return { ok: true };
    const [instead] = this.#unproved;
    return instead === undefined ? { ok: false } : { ok: true, instead };
  }

  /** `proved`: its peer has shown that it is where it says. */
  add(registration: Registration & { readonly proved: boolean }, now: number): Observation {
    const { peer, proved } = registration;
    const observation = new Observation(registration, now);
    const subscriber = this.of(peer);
    if (subscriber === undefined) this.#byPeer.set(peer.id, { observations: [observation], flying: undefined });
    else subscriber.observations.push(observation);
    if (!proved) this.#unproved.add(observation);
    this.#size++;
    return observation;
  }

  /** Whether its peer has yet to show, by an acknowledgement, that it asked for it. */
  isUnproved(observation: Observation): boolean {
    return this.#unproved.has(observation);
  }

  /** The peer acknowledged a notification. */
  prove(peer: Peer): void {
    if (this.#unproved.size === 0) return;
    for (const observation of this.of(peer)?.observations ?? []) this.#unproved.delete(observation);
  }

  /** Without effect on one that is not in the list any more. */
  remove(observation: Observation): void {
    const { peer } = observation;
    const subscriber = this.of(peer);
    const index = subscriber?.observations.indexOf(observation) ?? -1;
    if (subscriber === undefined || index < 0) return;
    subscriber.observations.splice(index, 1);
    if (subscriber.observations.length === 0) this.#byPeer.delete(peer.id);
    this.#unproved.delete(observation);
    this.#size--;
  }
}

function targetOf(key: string): string {
  return key.length <= MAX_TARGET ? key : createHash("sha256").update(key, "latin1").digest("base64url");
}
