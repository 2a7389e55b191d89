import type { Publication } from "../../../../src/broker/publication.js";
import type {
  LiveSession,
  LiveState,
  QueueEntry,
  SessionTerms,
  Store,
  StoredSession,
  StoredSubscription,
} from "../../../../src/broker/store/store.js";

interface Session {
  terms: SessionTerms;
  readonly subscriptions: Map<string, StoredSubscription>;
  readonly queue: Map<number, QueueEntry & { released: boolean }>;
  readonly received: Set<number>;
  next: number;
}

type Entry = Omit<QueueEntry, "sequence">;

/** The broker's state, as small as it can be: each change is made here and told to the store. */
export class Model implements LiveState {
  store: Store | undefined;
  readonly #sessions = new Map<string, Session>();
  readonly #retained = new Map<string, Publication>();

  *sessions(): Iterable<LiveSession> {
    for (const [clientId, { terms, subscriptions, queue, received, next }] of this.#sessions) {
      const lists = { subscriptions: subscriptions.values(), queue: queue.values(), received: received.values() };
      yield { clientId, ...terms, ...lists, nextSequence: next };
    }
  }

  retained(): Iterable<Publication> {
    return this.#retained.values();
  }

  /** What a store gave back becomes the state. */
  adopt(sessions: readonly StoredSession[], retained: readonly Publication[]): void {
    for (const { clientId, subscriptions, queue, received, nextSequence, ...terms } of sessions)
      this.#sessions.set(clientId, {
        terms,
        subscriptions: new Map(subscriptions.map((one) => [one.filter, one])),
        queue: new Map(queue.map((one) => [one.sequence, { ...one }])),
        received: new Set(received),
        next: nextSequence,
      });
    for (const publication of retained) this.#retained.set(publication.topic, publication);
  }

  has(clientId: string): boolean {
    return this.#sessions.has(clientId);
  }

  put(clientId: string, terms: SessionTerms): void {
    const nothing = { subscriptions: new Map(), queue: new Map(), received: new Set<number>(), next: 0 };
    const session = this.#sessions.get(clientId);
    if (session === undefined) this.#sessions.set(clientId, { terms, ...nothing });
    else session.terms = terms;
    this.store?.putSession(clientId, terms);
  }

  drop(clientId: string): void {
    if (this.#sessions.delete(clientId)) this.store?.dropSession(clientId);
  }

  subscribe(clientId: string, subscription: StoredSubscription): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    session.subscriptions.set(subscription.filter, subscription);
    this.store?.putSubscription(clientId, subscription);
  }

  unsubscribe(clientId: string, filter: string): void {
    if (this.#sessions.get(clientId)?.subscriptions.delete(filter)) this.store?.dropSubscription(clientId, filter);
  }

  /** The sequence that it was given. */
  enqueue(clientId: string, entry: Entry): number | undefined {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return undefined;
    const sequence = session.next++;
    session.queue.set(sequence, { ...entry, sequence, released: false });
    this.store?.enqueue(clientId, { ...entry, sequence });
    return sequence;
  }

  /** Of the `n`th in the queue. */
  release(clientId: string, n: number): void {
    const entry = this.#nth(clientId, n);
    if (entry === undefined) return;
    entry.released = true;
    this.store?.released(clientId, entry.sequence);
  }

  settle(clientId: string, n: number): void {
    const entry = this.#nth(clientId, n);
    if (entry === undefined) return;
    this.#sessions.get(clientId)?.queue.delete(entry.sequence);
    this.store?.settled(clientId, entry.sequence);
  }

  receive(clientId: string, packetId: number): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    session.received.add(packetId);
    this.store?.received(clientId, packetId);
  }

  complete(clientId: string, packetId: number): void {
    if (this.#sessions.get(clientId)?.received.delete(packetId)) this.store?.completed(clientId, packetId);
  }

  retain(publication: Publication): void {
    if (publication.payload.length > 0) this.#retained.set(publication.topic, publication);
    else this.#retained.delete(publication.topic);
    this.store?.retain(publication);
  }

  /** As `stateOf` tells what a store gave back. */
  get state(): unknown {
    const sessions = [...this.sessions()].map(({ subscriptions, queue, received, ...rest }) => ({
      ...{ subscriptions: [...subscriptions], queue: [...queue], received: [...received] },
      ...rest,
    }));
    return stateOf({ sessions, retained: [...this.#retained.values()] });
  }

  #nth(clientId: string, n: number): (QueueEntry & { released: boolean }) | undefined {
    const queue = [...(this.#sessions.get(clientId)?.queue.values() ?? [])];
    return queue[n % queue.length];
  }
}

/** To be compared: in an order that does not depend on how it came about, without what is undefined. */
export function stateOf({ sessions, retained }: ReturnType<Store["takeRecovered"]>): unknown {
  const plain = (value: unknown): unknown => {
    // Of large ones a little is enough to tell them apart.
    if (value instanceof Uint8Array) return `${value.length}: ${Buffer.from(value.subarray(0, 64)).toString("hex")}`;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
  };
  const byText = (key: (value: never) => string) => (a: unknown, b: unknown) =>
    key(a as never) < key(b as never) ? -1 : 1;
  const sorted = sessions.map(({ subscriptions, received, ...rest }) => ({
    ...rest,
    subscriptions: [...subscriptions].sort(byText(({ filter }: StoredSubscription) => filter)),
    received: [...received].sort((a, b) => a - b),
  }));
  return plain({
    sessions: sorted.sort(byText(({ clientId }: StoredSession) => clientId)),
    retained: [...retained].sort(byText(({ topic }: Publication) => topic)),
  });
}
