import type { Publication } from "../publication.js";
import { deliver } from "../routes/matched.js";
import { Routes } from "../routes/routes.js";
import type { Grant, Subscriber } from "../routes/subscriber.js";
import type { StoredSubscription } from "../store/store.js";
import { type Sending, subscriptionFrom } from "./codec.js";

/** Puts a message into a client's queue. */
export type Append = (clientId: string, publication: Publication, sending: Sending) => void;

/**
 * Every durable session of the cluster with its subscriptions above QoS 0, wherever it is: who publishes puts the message into
 * their queues. Shared subscriptions are not here: the node where a member is chooses one of its own.
 */
export class Registry {
  readonly #append: Append;
  #routes = new Routes();
  #sessions = new Map<string, Durable>();
  #reached: string[] = [];

  constructor(append: Append) {
    this.#append = append;
  }

  /** Appends it to the queues of all who are to have it at QoS 1 or 2; whose those are. */
  enqueue(publication: Publication): readonly string[] {
    this.#reached = [];
    deliver(this.#routes.match(publication.topic), publication);
    return this.#reached;
  }

  subscribe(clientId: string, { filter, ...options }: StoredSubscription): void {
    if (options.qos === 0 || filter.startsWith("$share/")) {
      this.unsubscribe(clientId, filter);
      return;
    }
    let session = this.#sessions.get(clientId);
    if (session === undefined) {
      session = new Durable(clientId, (publication, sending) => {
        this.#reached.push(clientId);
        this.#append(clientId, publication, sending);
      });
      this.#sessions.set(clientId, session);
    }
    session.filters.add(filter);
    this.#routes.subscribe(filter, session, options);
  }

  unsubscribe(clientId: string, filter: string): void {
    const session = this.#sessions.get(clientId);
    if (session?.filters.delete(filter) !== true) return;
    this.#routes.unsubscribe(filter, session);
    if (session.filters.size === 0) this.#sessions.delete(clientId);
  }

  /** In place of all that was known. */
  replace(subscriptions: Iterable<readonly [string, readonly StoredSubscription[]]>): void {
    this.#routes = new Routes();
    this.#sessions = new Map();
    for (const [clientId, all] of subscriptions) for (const one of all) this.subscribe(clientId, one);
  }
}

class Durable implements Subscriber {
  readonly clientId: string;
  readonly online = true;
  readonly filters = new Set<string>();
  readonly #append: (publication: Publication, sending: Sending) => void;

  constructor(clientId: string, append: (publication: Publication, sending: Sending) => void) {
    this.clientId = clientId;
    this.#append = append;
  }

  /** Asked where it is delivered: its node knows who it is. */
  mayReceive(): boolean {
    return true;
  }

  deliver(publication: Publication, { qos: granted, retainAsPublished, identifiers }: Grant): void {
    const qos = publication.qos < granted ? publication.qos : granted;
    if (qos === 0) return;
    this.#append(publication, { qos, retain: retainAsPublished && publication.retain, identifiers });
  }
}

/** How aedes' persistence tells all nodes of subscriptions. */
export const SUBSCRIPTIONS = "$SYS/sub/";

/** Takes what it told. */
export function changeSubscriptions(registry: Registry, { topic, payload }: Publication): void {
  const { clientId, subs }: { clientId?: unknown; subs?: unknown } = JSON.parse(Buffer.from(payload).toString());
  if (typeof clientId !== "string" || !Array.isArray(subs)) return;
  for (const one of subs as unknown[]) {
    if (topic === `${SUBSCRIPTIONS}add`) {
      const subscription = subscriptionFrom(one);
      if (subscription !== undefined) registry.subscribe(clientId, subscription);
    } else if (typeof one === "object" && one !== null && "topic" in one && typeof one.topic === "string") {
      registry.unsubscribe(clientId, one.topic);
    }
  }
}
