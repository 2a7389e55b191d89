import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../config/index.js";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Access, Identity } from "./access/access.js";
import type { Cluster } from "./cluster/cluster.js";
import type { RedisAddress } from "./cluster/redis.js";
import { Connection } from "./connection/connection.js";
import { Flusher } from "./connection/output.js";
import { Pressure } from "./connection/pressure.js";
import type { Core } from "./core.js";
import { type Limits, steadyNow } from "./limits.js";
import { Admission } from "./listeners/admission.js";
import { type Listener, openListener } from "./listeners/listener.js";
import type { Peer } from "./listeners/peer.js";
import { type PolicyRule, policies } from "./policy.js";
import type { Publication } from "./publication.js";
import { Retained } from "./retained.js";
import { type RewriteRule, rewriteOf } from "./rewrite.js";
import { Router } from "./router.js";
import { Routes } from "./routes/routes.js";
import { Sessions } from "./session/sessions.js";
import { Stats } from "./stats.js";
import type { LiveState, Store, StoredWill } from "./store/store.js";
import { Sys } from "./sys/sys.js";

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
  readonly cluster?: RedisAddress | undefined;
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
  readonly stats: Stats;
  /** Routes a message of the gateway's own to the subscribers. Resolves when it was handed to them, and is stored where it must be. */
  publish(message: Message): Promise<void>;
  /** Hears what matches the filter from now on; retained messages are not replayed. It must not throw. */
  subscribe(filter: string, hear: (message: Message) => void): void;
  close(): Promise<void>;
}

/** How often is looked at what depends on time, in ms at most. */
const SWEEP = 1_000;

/** The embedded broker: aedes routes, sessions and connections are ours. It routes from now on, and listens when it is told to. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { access, journal, admit, limits } = options;
  const cluster = await openClusterOf(options);
  const now = steadyNow;
  const started = now();
  const policyOf = policies(options.clients ?? []);
  const rewrites = options.rewrite ?? [];
  const stats = new Stats();
  const budget = { used: 0, limit: limits.queuedSize };
  const routes = new Routes();
  const keep = (publication: Publication): void => retained.keep(publication);
  const router = await Router.open(options.id, routes, keep, cluster?.seams(routes, keep));
  // Not asked before what was recovered is taken, in this turn of the event loop.
  const live: LiveState = { sessions: () => sessions.live(), retained: () => retained.live() };
  const store = cluster?.store ?? (await options.openStore(live));
  const recovered = store.takeRecovered();
  const retained = new Retained(
    {
      limits,
      store,
      now,
      refused: (topic) =>
        journal({
          level: "warn",
          event: "retained_refused",
          at: "broker",
          message: `${topic} is not retained: there are ${limits.retainedMessages} messages or ${limits.retainedSize} bytes`,
        }),
    },
    recovered.retained,
  );
  const pressure = new Pressure();

  const publishWill = (identity: Identity, will: StoredWill): void => {
    const publication = dueWill(will, now());
    const { topic } = publication;
    // Permissions may have changed since it was left.
    if (!access.may(identity, "publish", topic)) return;
    const route = (): void => {
      router.publish(publication);
      pressure.forget();
    };
    const refused = (error: unknown): void =>
      journal({
        level: "warn",
        event: "publish_refused",
        at: "broker",
        message: `the will of client ${identity.clientId} to ${topic} was refused: ${messageOf(error)}`,
      });
    const admission = admit(publication, identity.clientId);
    if (admission === undefined) route();
    else admission.then(route, refused);
  };

  const sessions = new Sessions(
    {
      store,
      limits,
      budget,
      now,
      routes,
      lifts: (identity) => policyOf(identity)?.deliverQos.lift === true,
      mayReceive: (identity, topic) => access.may(identity, "receive", topic),
      publishWill,
      expired: () => {
        stats.clientsExpired++;
      },
      dropped: (clientId, reason) => {
        stats.publishDropped++;
        if (reason === "expired") return;
        const message = `a message for client ${clientId} was dropped: ${DROPPED[reason]}`;
        journal({ level: "warn", event: "queue_dropped", at: "broker", reason, message });
      },
      queues: cluster?.queues,
    },
    recovered.sessions,
  );
  const core: Core = {
    wall: options.wall ?? Date.now,
    limits,
    access,
    sessions,
    retained,
    store,
    flusher: new Flusher(),
    pressure,
    stats,
    journal,
    now,
    admit,
    publish: (publication) => router.publish(publication),
    fetch: (identity) => cluster?.fetch(identity),
    rewrite: { topic: rewriteOf(rewrites, "publish"), filter: rewriteOf(rewrites, "subscribe") },
    policyOf,
  };

  const connections = new Set<Connection>();
  const ended = (connection: Connection): void => void connections.delete(connection);
  const handle = (socket: Duplex, peer: Peer): void => {
    stats.sockets++;
    connections.add(new Connection(core, socket, peer, ended));
  };
  access.onChange((revoked) => {
    routes.invalidate();
    for (const session of sessions.values()) session.outgoing.doubt();
    for (const connection of connections) connection.permissionsChanged(revoked);
  });

  const sweep = (): void => {
    const at = now();
    for (const connection of connections) connection.sweep(at);
    sessions.sweep();
  };
  const sys = new Sys({
    version: options.version,
    stats,
    standing: () => {
      const { subscriptions, groups } = routes.size;
      return {
        uptime: Math.floor((now() - started) / 1000),
        connected: sessions.size - sessions.away,
        disconnected: sessions.away,
        subscriptions,
        sharedSubscriptions: groups,
        retained: retained.size,
        storedMessages: retained.size + sessions.waiting,
        storedBytes: retained.bytes + budget.used,
        heap: process.memoryUsage.rss(),
      };
    },
    publish: (publication) => void router.publish(publication),
  });
  const telling = options.sys > 0 ? setInterval(() => sys.tell(options.sys), options.sys) : undefined;
  let sweeping: NodeJS.Timeout | undefined;

  const endRouter = async (): Promise<void> => {
    clearInterval(telling);
    await router.close();
    await cluster?.close();
  };
  try {
    await cluster?.start({ routes, retained, sessions });
  } catch (error) {
    await endRouter();
    throw error;
  }

  const listeners: Listener[] = [];
  const to = {
    admission: new Admission(limits),
    journal,
    handshakeTimeout: limits.handshakeTimeout,
    maxPacket: limits.packetSize,
    now: Date.now,
    ticks: () => performance.now(),
  };
  const endListeners = async (): Promise<void> => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  };
  return {
    listen: async (settings) => {
      await cluster?.join();
      // Not before: what becomes of a will is nothing yet that the gateway could take.
      sweeping ??= setInterval(sweep, Math.min(SWEEP, limits.patience / 2));
      // Wills of clients whose connection a crash ended.
      sessions.sweep();
      try {
        for (const one of settings) listeners.push(await openListener(one, handle, to));
      } catch (error) {
        await endListeners();
        throw error;
      }
      return listeners.map((listener) => listener.url);
    },
    get clients() {
      let clients = 0;
      for (const connection of connections) if (connection.session !== undefined) clients++;
      return clients;
    },
    stats,
    publish: (message) =>
      new Promise((resolve, reject) => {
        router.publish(message);
        pressure.forget();
        store.stored((error) => (error === undefined ? resolve() : reject(error)));
      }),
    subscribe: (filter, hear) => {
      routes.subscribe(
        filter,
        { clientId: undefined, online: true, mayReceive: () => true, deliver: hear },
        { qos: 2, noLocal: false, retainAsPublished: true },
      );
    },
    close: async () => {
      clearInterval(sweeping);
      for (const connection of connections) connection.end("stopping");
      await endListeners();
      await endRouter();
      await store.close();
    },
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

/** The will as it is published now: its life begins (MQTT 5 3.1.3.2.4). */
function dueWill({ publication }: StoredWill, now: number): Publication {
  const { messageExpiry } = publication;
  return messageExpiry === undefined ? publication : { ...publication, messageExpiry: now + messageExpiry };
}
