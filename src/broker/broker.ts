import type { ClusterConfig, ListenerConfig } from "../config/index.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { PubSub } from "../core/pubsub.js";
import type { Access } from "./access/access.js";
import type { Cluster } from "./cluster/cluster.js";
import { Flusher } from "./connection/output.js";
import { Pressure } from "./connection/pressure.js";
import type { Core } from "./core.js";
import { Front } from "./front.js";
import { type Limits, steadyNow } from "./limits.js";
import { Admission } from "./listeners/admission.js";
import { type PolicyRule, policies } from "./policy.js";
import { PubSubHost } from "./pubsub/host.js";
import type { Publication } from "./publication.js";
import { Retained } from "./retained.js";
import { type RewriteRule, rewriteOf } from "./rewrite.js";
import { Router } from "./router.js";
import { Routes } from "./routes/routes.js";
import { Sessions } from "./session/sessions.js";
import { Stats } from "./stats.js";
import type { LiveState, Store } from "./store/store.js";
import { Sys } from "./sys/sys.js";
import { willPublisher } from "./wills.js";

export interface BrokerOptions {
  readonly id: string;
  /**
   * Called for every PUBLISH of a client, and for every will, before it is acknowledged and routed; undefined where nobody
   * needs to be waited for. When it rejects, the message is not acknowledged: before MQTT 5 there is no other way to refuse
   * than to disconnect the client (MQTT-3.3.5-2).
   */
  readonly admit: (message: Message, clientId: string) => Promise<unknown> | undefined;
  readonly journal: Journal;
  /** ms since the Unix epoch, for tokens that end. The machine's clock if left out. */
  readonly wall?: () => number;
  /** Of the gateway, for $SYS. */
  readonly version: string;
  /** ms between two publications of $SYS topics; 0: none. */
  readonly sys: number;
  readonly access: Access;
  /** Opens what survives a crash; `live` is what it is to keep. The broker closes it. */
  readonly openStore: (live: LiveState) => Promise<Store>;
  /** The Redis through which several brokers are one: what survives a crash is there, and nothing else is opened for it. */
  readonly cluster?: ClusterConfig | undefined;
  readonly limits: Limits;
  readonly rewrite?: readonly RewriteRule[];
  readonly clients?: readonly PolicyRule[];
}

export interface Broker {
  /**
   * Lets clients in. Resolves to the URLs with their real ports; rejects with ADDRESS_IN_USE or LISTEN_FAILED, and then
   * listens nowhere.
   */
  listen(settings: readonly ListenerConfig[]): Promise<string[]>;
  readonly clients: number;
  /** For clients of other protocols. */
  readonly pubsub: PubSub;
  readonly stats: Stats;
  /**
   * Routes a message of the gateway's own to the subscribers. Undefined where it is stored, or needs not be; otherwise resolves once
   * it is.
   */
  publish(message: Message): Promise<void> | undefined;
  /** Hears what matches the filter from now on; retained messages are not replayed. It must not throw. */
  subscribe(filter: string, hear: (message: Message) => void): void;
  close(): Promise<void>;
}

/** How often is looked at what depends on time, in ms at most. */
const SWEEP = 1_000;

/** The embedded broker: aedes routes, sessions and connections are ours. It routes from now on, and listens when it is told to. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { access, journal, admit, limits, wall = Date.now } = options;
  const now = steadyNow;
  const started = now();
  const stats = new Stats();
  const budget = { used: 0, limit: limits.queuedSize };
  const pressure = new Pressure();
  const routes = new Routes();
  const keep = (publication: Publication): void => retained.keep(publication);
  const live: LiveState = { sessions: () => sessions.live(), retained: () => retained.live() };

  const cluster = await openClusterOf(options);
  const store = cluster?.store ?? (await options.openStore(live));
  const router = await Router.open(options.id, routes, keep, cluster?.seams(routes, keep));
  const publish = (publication: Publication): boolean => router.publish(publication);

  // All of it in one turn of the event loop: from here on the store may ask what is alive.
  const recovered = store.takeRecovered();
  const retained = new Retained({ limits, store, now, refused: retainedRefused(options) }, recovered.retained);
  const policyOf = policies(options.clients ?? []);
  const sessions = new Sessions(
    {
      ...{ store, limits, budget, now, routes, queues: cluster?.queues },
      lifts: (identity) => policyOf(identity)?.deliverQos.lift === true,
      mayReceive: (identity, topic) => access.may(identity, "receive", topic),
      publishWill: willPublisher({ access, admit, publish, pressure, journal, now }),
      expired: () => {
        stats.clientsExpired++;
      },
      dropped: (clientId, reason) => {
        stats.publishDropped++;
        if (reason === "expired") return;
        const message = `a message for client ${clientId} was dropped: ${DROPPED[reason]}`;
        journal({ level: "warn", event: "queue_dropped", at: "broker", reason, message });
      },
    },
    recovered.sessions,
  );
  const rewrites = options.rewrite ?? [];
  const admission = new Admission(limits);
  const core: Core = {
    ...{ limits, access, sessions, retained, store, pressure, stats, journal, now, wall, admit, publish, policyOf },
    flusher: new Flusher(),
    fetch: (identity) => cluster?.fetch(identity),
    rewrite: { topic: rewriteOf(rewrites, "publish"), filter: rewriteOf(rewrites, "subscribe") },
  };
  const front = new Front(core, admission);
  const pubsub = new PubSubHost(core, admission);
  access.onChange((revoked) => {
    routes.invalidate();
    for (const session of sessions.values()) session.outgoing.doubt();
    front.permissionsChanged(revoked);
    pubsub.permissionsChanged(revoked);
  });

  const sys = new Sys({
    version: options.version,
    stats,
    standing: () => ({
      ...routes.size,
      uptime: Math.floor((now() - started) / 1000),
      connected: sessions.size - sessions.away,
      disconnected: sessions.away,
      retained: retained.size,
      storedMessages: retained.size + sessions.waiting,
      storedBytes: retained.bytes + budget.used,
      rss: process.memoryUsage.rss(),
    }),
    publish,
  });
  const telling = options.sys > 0 ? setInterval(() => sys.tell(options.sys), options.sys) : undefined;
  let sweeping: NodeJS.Timeout | undefined;
  const endRouter = async (): Promise<void> => {
    clearInterval(telling);
    await router.close();
    await store.close();
    await cluster?.close();
  };
  try {
    await cluster?.start({ routes, retained, sessions });
  } catch (error) {
    await endRouter();
    throw error;
  }

  return {
    listen: async (settings) => {
      await cluster?.join();
      // Not before: what becomes of a will is nothing yet that the gateway could take.
      sweeping ??= setInterval(
        () => {
          front.sweep(now());
          pubsub.sweep();
          sessions.sweep();
        },
        Math.min(SWEEP, limits.patience / 2),
      );
      // Wills of clients whose connection a crash ended.
      sessions.sweep();
      return front.listen(settings);
    },
    get clients() {
      return front.clients + pubsub.clients;
    },
    pubsub,
    stats,
    publish: (message) => {
      publish(message);
      pressure.forget();
      return whenStored(store);
    },
    subscribe: (filter, hear) => {
      const hearer = { clientId: undefined, online: true, mayReceive: () => true, deliver: hear };
      routes.subscribe(filter, hearer, { qos: 2, noLocal: false, retainAsPublished: true });
    },
    close: async () => {
      clearInterval(sweeping);
      pubsub.close();
      await front.close();
      await endRouter();
    },
  };
}

/** Undefined where all is stored: a promise a message is more than all else that is done for one that nobody wants. */
function whenStored(store: Store): Promise<void> | undefined {
  let settled = false;
  let failure: Error | undefined;
  let settle = (): void => {};
  store.stored((error) => {
    settled = true;
    failure = error;
    settle();
  });
  if (settled && failure === undefined) return undefined;
  return new Promise((resolve, reject) => {
    settle = () => (failure === undefined ? resolve() : reject(failure));
    if (settled) settle();
  });
}

function retainedRefused({ limits, journal }: BrokerOptions): (topic: string) => void {
  const bound = `${limits.retainedMessages} messages or ${limits.retainedSize} bytes`;
  return (topic) => {
    const message = `${topic} is not retained: there are ${bound}`;
    journal({ level: "warn", event: "retained_refused", at: "broker", message });
  };
}

/** Redis and all that goes with it is loaded only where it is wanted. */
async function openClusterOf({ id, cluster, journal, limits }: BrokerOptions): Promise<Cluster | undefined> {
  if (cluster === undefined) return undefined;
  const { openCluster } = await import("./cluster/cluster.js");
  return openCluster({ node: id, address: cluster, limits, journal });
}

const DROPPED = {
  queue_full: "as much waits for it as may",
  too_large: "it is larger than the client takes",
  denied: "the client may not have it any more",
} as const;
