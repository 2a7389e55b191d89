import type { Identity } from "../access/access.js";
import type { Limits } from "../limits.js";
import type { Publication } from "../publication.js";
import type { Grant, Subscriber } from "../routes/subscriber.js";
import type {
  LiveSession,
  QueueEntry,
  SessionTerms,
  Store,
  StoredSession,
  StoredSubscription,
  StoredWill,
} from "../store/store.js";
import type { Link } from "./delivery.js";
import { type Budget, type Notes, Outgoing } from "./outgoing.js";

/** What a session needs of the broker. */
export interface SessionOptions {
  readonly store: Store;
  readonly limits: Limits;
  readonly budget: Budget;
  readonly now: () => number;
  /** Whether messages come with the QoS of the subscription even where they were published with less. */
  readonly lifts: (identity: Identity) => boolean;
  readonly mayReceive: (identity: Identity, topic: string) => boolean;
  readonly dropped: (clientId: string, reason: DropReason) => void;
  /** In a cluster: where the QoS 1 and 2 messages of durable sessions wait. They come back by `Outgoing.take`. */
  readonly queues?: SharedQueues | undefined;
}

export interface SharedQueues {
  offer(session: Session, publication: Publication, how: Pick<QueueEntry, "qos" | "retain" | "identifiers">): void;
  /** Its client is here now. */
  ring(session: Session): void;
}

export type DropReason = "queue_full" | "expired" | "too_large" | "denied";

/** What a client asks of its session, and what is known of it. */
export type Terms = Omit<SessionTerms, "user" | "listener">;

/** Who took a QoS 2 message in, and answers it. */
export interface Taker {
  /** It is stored; or why it could not be taken. */
  taken(packetId: number, refusal?: unknown): void;
}

/** The connection of a client as its session sees it. */
export interface ClientLink extends Link {
  /** Asks publishers to wait: more comes than the client takes. */
  press(): void;
  /** Ends the connection: the client has come by another one. */
  close(): void;
}

/** What is kept of one client: its subscriptions, what is on its way to it and from it (MQTT 3.1.2.4, MQTT 5 4.1). */
export class Session implements Subscriber {
  readonly clientId: string;
  readonly outgoing: Outgoing;
  readonly subscriptions = new Map<string, StoredSubscription>();
  /** Packet ids of QoS 2 messages that were taken and that the client has not released. */
  readonly received: Set<number>;
  /** Packet ids of QoS 2 messages that are being taken, and who answers: the connection on which they came last. */
  readonly taking = new Map<number, Taker>();
  identity: Identity;
  /** Seconds that it outlives its connection. */
  expiry: number;
  will: StoredWill | undefined;
  /** When its connection ended, ms since the Unix epoch. */
  disconnected: number | undefined;
  readonly #options: SessionOptions;
  #link: ClientLink | undefined;
  #lift: boolean;
  #kept: boolean;
  /** Whether the store knows of it. */
  #noted: boolean;

  constructor(options: SessionOptions, identity: Identity, terms: Terms, recovered?: StoredSession) {
    const { clientId } = identity;
    const { store, limits, budget, now, dropped } = options;
    this.#options = options;
    this.clientId = clientId;
    this.identity = identity;
    this.#lift = options.lifts(identity);
    this.expiry = terms.expiry;
    this.will = terms.will;
    this.disconnected = terms.disconnected;
    this.received = new Set(recovered?.received);
    this.#kept = terms.expiry > 0;
    this.#noted = recovered !== undefined;
    const notes = this.#kept ? notesOf(store, clientId) : undefined;
    const own = {
      limits,
      budget,
      now,
      notes,
      dropped: (why: DropReason) => dropped(clientId, why),
      mayReceive: (topic: string) => this.mayReceive(topic),
    };
    this.outgoing = new Outgoing(own, recovered);
  }

  get online(): boolean {
    return this.#link !== undefined;
  }

  get link(): ClientLink | undefined {
    return this.#link;
  }

  /** Whether a crash leaves it. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Whether the store knows of it. */
  get noted(): boolean {
    return this.#noted;
  }

  live(): LiveSession {
    const { clientId, expiry, will, disconnected, outgoing } = this;
    const { user, listener } = this.identity;
    return {
      ...{ clientId, user, listener, expiry, will, disconnected, nextSequence: outgoing.nextSequence },
      sent: this.#link === undefined ? outgoing.sent : undefined,
      subscriptions: this.#kept ? this.subscriptions.values() : [],
      queue: this.#kept ? outgoing.live() : [],
      received: this.#kept ? this.received : [],
    };
  }

  mayReceive(topic: string): boolean {
    return this.#options.mayReceive(this.identity, topic);
  }

  deliver(publication: Publication, grant: Grant): void {
    this.#take(publication, grant, grant.retainAsPublished && publication.retain);
  }

  /** A retained message, for a new subscription (MQTT-3.3.1-8). */
  replay(publication: Publication, grant: Grant): void {
    this.#take(publication, grant, true);
  }

  #take(publication: Publication, { qos: granted, identifiers }: Grant, retain: boolean): void {
    const qos = publication.qos < granted && !this.#lift ? publication.qos : granted;
    const link = this.#link;
    if (qos === 0) {
      // Nobody keeps QoS 0 for a client that is away.
      if (link === undefined) return;
      if (!link.publish(publication, { qos, retain, identifiers, packetId: 0, dup: false }))
        this.#options.dropped(this.clientId, "too_large");
    } else if (this.#kept && this.#options.queues !== undefined) {
      this.#options.queues.offer(this, publication, { qos, retain, identifiers });
    } else {
      this.outgoing.add(publication, qos, retain, identifiers);
      if (link !== undefined && this.outgoing.pressed) link.press();
    }
  }

  attach(link: ClientLink): void {
    this.#link = link;
    this.#lift = this.#options.lifts(this.identity);
    this.disconnected = undefined;
    this.save();
    if (this.#kept) this.#options.queues?.ring(this);
  }

  detach(now: number): void {
    this.#link = undefined;
    this.disconnected = now;
    this.outgoing.detach();
    this.save();
  }

  /** Notes its terms, so that a crash leaves it, or at least its will. */
  save(): void {
    const { expiry, will, disconnected } = this;
    if (this.#kept && expiry === 0) this.#unkeep();
    if (expiry === 0 && will === undefined && !this.#noted) return;
    const { user, listener } = this.identity;
    this.#noted = true;
    const sent = this.#link === undefined ? this.outgoing.sent : undefined;
    this.#options.store.putSession(this.clientId, { user, listener, expiry, will, disconnected, sent });
  }

  subscribe(subscription: StoredSubscription): void {
    this.subscriptions.set(subscription.filter, subscription);
    if (this.#kept) this.#options.store.putSubscription(this.clientId, subscription);
  }

  /** False where it had none. */
  unsubscribe(filter: string): boolean {
    const was = this.subscriptions.delete(filter);
    if (was && this.#kept) this.#options.store.dropSubscription(this.clientId, filter);
    return was;
  }

  receive(packetId: number): void {
    this.received.add(packetId);
    if (this.#kept) this.#options.store.received(this.clientId, packetId);
  }

  complete(packetId: number): boolean {
    const was = this.received.delete(packetId);
    if (was && this.#kept) this.#options.store.completed(this.clientId, packetId);
    return was;
  }

  /** It is over, with all that waits in it. */
  end(): void {
    this.outgoing.clear();
    this.subscriptions.clear();
    this.received.clear();
    if (this.#noted) this.#options.store.dropSession(this.clientId);
    this.#noted = false;
    // What still comes to its end in it must not be noted for the next one of the same client.
    this.#kept = false;
  }

  /** It ends with its connection now: nothing of it outlives a crash either. */
  #unkeep(): void {
    this.#kept = false;
    this.outgoing.forget();
    this.#options.store.dropSession(this.clientId);
    this.#noted = false;
  }
}

function notesOf(store: Store, clientId: string): Notes {
  return {
    enqueue: (entry) => store.enqueue(clientId, entry),
    released: (sequence) => store.released(clientId, sequence),
    settled: (sequence) => store.settled(clientId, sequence),
    stored: (done) => store.stored(() => done()),
  };
}
