import type { SessionTerms, Store, StoredSession, StoredSubscription } from "../store/store.js";
import { encodeTerms, entryFrom, entryId, sequenceFrom, subscriptionFrom, subscriptionTo, termsFrom } from "./codec.js";
import { HOMES, queueKey, receivedKey, releasedKey, SCRIPTS, SESSIONS } from "./keys.js";
import type { Outstanding } from "./outstanding.js";
import type { Commands, Redis } from "./redis.js";

export interface ClusterStoreOptions {
  readonly node: string;
  readonly redis: Redis;
  readonly outstanding: Outstanding;
  /** A message is done with: there may be room for the next one of the client's queue. */
  readonly settled: (clientId: string) => void;
}

/** The sessions of a cluster, in Redis. Each is on one node at a time, which alone writes to it, save what is added to its queue. */
export class ClusterStore implements Store {
  readonly #options: ClusterStoreOptions;
  /** Steps of aedes' persistence that change one client's subscriptions: each is several commands. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #released = new Set<string>();
  /** What Redis did not take, in order. The session here is beyond it. */
  #failed: (() => Promise<unknown>)[] = [];

  constructor(options: ClusterStoreOptions) {
    this.#options = options;
  }

  /** Nothing: sessions are read when their client comes, or when the node that had them is gone. */
  takeRecovered(): { sessions: readonly StoredSession[]; retained: readonly [] } {
    return { sessions: [], retained: [] };
  }

  putSession(clientId: string, terms: SessionTerms): void {
    this.#script(SCRIPTS.put, [HOMES, SESSIONS], [clientId, this.#options.node, encodeTerms(terms)]);
  }

  dropSession(clientId: string): void {
    const keys = [HOMES, SESSIONS, queueKey(clientId), receivedKey(clientId), releasedKey(clientId)];
    this.#script(SCRIPTS.drop, keys, [clientId, this.#options.node]);
    this.#change(clientId, (persistence) => persistence.cleanSubscriptions({ id: clientId }));
  }

  putSubscription(clientId: string, subscription: StoredSubscription): void {
    const known = subscriptionTo(subscription);
    this.#change(clientId, (persistence) => persistence.addSubscriptions({ id: clientId }, [known]));
  }

  dropSubscription(clientId: string, filter: string): void {
    this.#change(clientId, (persistence) => persistence.removeSubscriptions({ id: clientId }, [filter]));
  }

  /** Nothing: who publishes does it, see Queues. */
  enqueue(): void {}

  released(clientId: string, sequence: number): void {
    this.#released.add(`${sequence} ${clientId}`);
    this.#write((commands) => commands.sadd(releasedKey(clientId), String(sequence)));
  }

  settled(clientId: string, sequence: number): void {
    this.#write((commands) => commands.xdel(queueKey(clientId), entryId(sequence)));
    if (this.#released.delete(`${sequence} ${clientId}`))
      this.#write((commands) => commands.srem(releasedKey(clientId), String(sequence)));
    this.#options.settled(clientId);
  }

  received(clientId: string, packetId: number): void {
    this.#write((commands) => commands.sadd(receivedKey(clientId), String(packetId)));
  }

  completed(clientId: string, packetId: number): void {
    this.#write((commands) => commands.srem(receivedKey(clientId), String(packetId)));
  }

  /** Nothing: aedes does it, when the message passes. */
  retain(): void {}

  stored(done: (error?: Error) => void): void {
    this.#options.outstanding.settled(done);
  }

  async close(): Promise<void> {}

  /** Redis is back: what it did not take is written now, before anybody reads it. */
  retry(): void {
    const failed = this.#failed;
    this.#failed = [];
    for (const step of failed) this.#do(step);
  }

  /** Once what changes the client's subscriptions is done. */
  async quiet(clientId: string): Promise<void> {
    await this.#changes.get(clientId);
  }

  /** The session as it is in Redis, with as much of its queue as `entries` says. */
  async read(clientId: string, entries: number): Promise<StoredSession | undefined> {
    const commands = this.#commands;
    const [text, known, queued, received, released] = await Promise.all([
      commands.hget(SESSIONS, clientId),
      this.subscriptions(clientId),
      entries === 0 ? [] : commands.xrangeBuffer(queueKey(clientId), "-", "+", "COUNT", entries),
      commands.smembers(receivedKey(clientId)),
      commands.smembers(releasedKey(clientId)),
    ]);
    const terms = text === null ? undefined : termsFrom(text);
    if (terms === undefined) return undefined;
    const done = new Set(released.map(Number));
    for (const sequence of done) this.#released.add(`${sequence} ${clientId}`);
    const queue = queued.flatMap((one) => {
      const entry = entryFrom(one);
      return entry === undefined ? [] : { ...entry, released: done.has(entry.sequence) };
    });
    const last = queued.at(-1)?.[0].toString();
    const nextSequence = last === undefined ? 0 : (sequenceFrom(last) ?? 0) + 1;
    return { ...terms, clientId, subscriptions: known, queue, nextSequence, received: received.map(Number) };
  }

  async subscriptions(clientId: string): Promise<StoredSubscription[]> {
    const known = await this.#options.redis.persistence.subscriptionsByClient({ id: clientId });
    return known.flatMap((one) => subscriptionFrom(one) ?? []);
  }

  /** The session is this node's from now on, unless another one was faster. */
  async claim(clientId: string, from: string): Promise<boolean> {
    return (await this.#commands.eval(SCRIPTS.claim, 1, HOMES, clientId, from, this.#options.node)) === 1;
  }

  get #commands() {
    return this.#options.redis.commands;
  }

  #script(script: string, keys: readonly string[], values: readonly string[]): void {
    this.#write((commands) => commands.eval(script, keys.length, ...keys, ...values));
  }

  #write(step: (commands: Commands) => Promise<unknown>): void {
    this.#do(() => step(this.#commands));
  }

  #change(clientId: string, step: (persistence: Redis["persistence"]) => Promise<unknown>): void {
    this.#do(() => {
      const { persistence } = this.#options.redis;
      const before = this.#changes.get(clientId);
      const change = before === undefined ? step(persistence) : before.then(() => step(persistence));
      const over = change.then(
        () => {},
        () => {},
      );
      this.#changes.set(clientId, over);
      void over.then(() => {
        if (this.#changes.get(clientId) === over) this.#changes.delete(clientId);
      });
      return change;
    });
  }

  #do(step: () => Promise<unknown>): void {
    const done = step().catch((error: unknown) => {
      if (this.#failed.length < MOST_FAILED) this.#failed.push(step);
      throw error;
    });
    this.#options.outstanding.track(done);
  }
}

/** Far more than all clients can have on their way while Redis is away. */
const MOST_FAILED = 1_000_000;
