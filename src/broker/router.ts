import { Aedes, type PublishPacket } from "aedes";
import type { Publication } from "./publication.js";
import { deliver, NOBODY } from "./routes/matched.js";
import type { Routes } from "./routes/routes.js";
import type { Subscriber } from "./routes/subscriber.js";

/**
 * aedes as the router, through its public seams alone: every message passes `aedes.publish`, which keeps it if it is to be
 * retained (`persistence`) and hands it to the subscribers (`mq`). Both answer at once: no timer and no promise a message.
 */
export class Router {
  readonly #aedes: Aedes;
  readonly #routes: Routes;
  readonly #keep: (publication: Publication) => void;
  readonly #everywhere: boolean;
  #refused = false;
  readonly #done = (error?: Error | null): void => {
    if (error) this.#refused = true;
  };

  private constructor(aedes: Aedes, routes: Routes, keep: (publication: Publication) => void, everywhere: boolean) {
    this.#aedes = aedes;
    this.#routes = routes;
    this.#keep = keep;
    this.#everywhere = everywhere;
  }

  /** `keep` takes what is to be retained. */
  static async open(
    id: string,
    routes: Routes,
    keep: (publication: Publication) => void,
    seams?: Seams,
  ): Promise<Router> {
    const { mq, persistence, everywhere } = seams ?? alone(routes, keep);
    const aedes = await Aedes.createBroker({ id, mq, persistence });
    return new Router(aedes, routes, keep, everywhere);
  }

  /** Whether anybody subscribed to it. What nobody wants costs one look at the cache. */
  publish(publication: Publication): boolean {
    const wanted = this.#everywhere || this.#routes.match(publication.topic) !== NOBODY;
    if (!wanted && !publication.retain) return false;
    this.#refused = false;
    this.#aedes.publish(packetOf(publication), this.#done);
    if (this.#refused) this.#routeHere(publication);
    return wanted;
  }

  /** aedes takes no topic of more than 100 levels: it would be acknowledged, and lost. */
  #routeHere(publication: Publication): void {
    if (publication.retain) this.#keep(publication);
    deliver(this.#routes.match(publication.topic), publication);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#aedes.close(resolve));
  }
}

/** What aedes works on. */
export interface Seams {
  readonly mq: object;
  readonly persistence: object;
  /** Whether somebody may want a message whom the routes do not know. */
  readonly everywhere: boolean;
}

function alone(routes: Routes, keep: (publication: Publication) => void): Seams {
  return { mq: new Emitter(routes), persistence: persistence(keep), everywhere: false };
}

function packetOf(publication: Publication): PublishPacket {
  const { topic, payload, qos, retain, clientId, properties, messageExpiry } = publication;
  const packet = { cmd: "publish" as const, topic, payload: asBuffer(payload), qos, retain, dup: false };
  // aedes copies those that are there.
  if (clientId !== undefined) Object.assign(packet, { clientId });
  if (properties !== undefined) Object.assign(packet, { properties });
  if (messageExpiry !== undefined) Object.assign(packet, { messageExpiry });
  return packet;
}

/** aedes takes Buffers; a view costs nothing. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export type Listener = (packet: Publication, done: () => void) => void;

/** `mq` of aedes (the interface of mqemitter): our routes, at once and without a queue. */
export class Emitter {
  readonly #routes: Routes;
  readonly #listeners = new Map<Listener, Subscriber>();
  /** aedes reads them; there is no queue here. */
  readonly current = 0;
  readonly concurrency = 0;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  emit(publication: Publication, done?: () => void): void {
    deliver(this.#routes.match(publication.topic), publication);
    done?.();
  }

  on(filter: string, listener: Listener, done?: () => void): void {
    const subscriber: Subscriber = this.#listeners.get(listener) ?? {
      clientId: undefined,
      online: true,
      mayReceive: () => true,
      deliver: (publication) => listener(publication, () => {}),
    };
    this.#listeners.set(listener, subscriber);
    this.#routes.subscribe(filter, subscriber, { qos: 2, noLocal: false, retainAsPublished: true });
    done?.();
  }

  removeListener(filter: string, listener: Listener, done?: () => void): void {
    const subscriber = this.#listeners.get(listener);
    if (subscriber !== undefined) this.#routes.unsubscribe(filter, subscriber);
    done?.();
  }

  close(done: () => void): void {
    done();
  }
}

/** A thenable that has its value: aedes only calls `then`. */
export function at<T>(value: T): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: it is one, without the turn of the event loop that a promise takes
  return { then: (taken: (value: T) => unknown) => taken(value) } as PromiseLike<T>;
}

/** `persistence` of aedes: retained messages. Sessions are ours, so that nothing is queued in aedes. */
function persistence(keep: (publication: Publication) => void) {
  const none: readonly never[] = [];
  return {
    setup: async () => {},
    storeRetained: (publication: Publication) => {
      keep(publication);
      return at(undefined);
    },
    subscriptionsByTopic: () => at(none),
    outgoingEnqueueCombi: () => at(undefined),
    streamWill: async function* () {},
    destroy: async () => {},
  };
}
