import type { ClusterConfig } from "../../config/index.js";
import type { Journal } from "../../core/journal.js";
import type { Identity } from "../access/access.js";
import type { Limits } from "../limits.js";
import type { Publication } from "../publication.js";
import type { Retained } from "../retained.js";
import { at, Emitter, type Listener, type Seams } from "../router.js";
import { deliver } from "../routes/matched.js";
import { Routes } from "../routes/routes.js";
import type { SharedQueues } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";
import type { Store } from "../store/store.js";
import { Channel, type Heard } from "./channel.js";
import { plain } from "./codec.js";
import { Handover } from "./handover.js";
import { HOMES } from "./keys.js";
import { Nodes } from "./nodes.js";
import { Outstanding } from "./outstanding.js";
import { Queues } from "./queues.js";
import { Reading, readRetained } from "./reading.js";
import { openRedis } from "./redis.js";
import { changeSubscriptions, Registry, SUBSCRIPTIONS } from "./registry.js";
import { ClusterStore } from "./store.js";

export interface ClusterOptions {
  /** The gateway's id: no other node has it. */
  readonly node: string;
  readonly address: ClusterConfig;
  readonly limits: Limits;
  readonly journal: Journal;
}

/** What of the broker the cluster works on. */
export interface ClusterParts {
  readonly routes: Routes;
  readonly retained: Retained;
  readonly sessions: Sessions;
}

/** Several brokers as one, through a Redis. */
export interface Cluster {
  readonly store: Store;
  readonly queues: SharedQueues;
  /** Where aedes is to keep and emit messages; `keep` has what is retained in this process. */
  seams(routes: Routes, keep: (publication: Publication) => void): Seams;
  /** Gets what there is. Before anybody is let in, and after aedes was opened. */
  start(parts: ClusterParts): Promise<void>;
  /** Takes part in it: looks after what this gateway had when it ended, and what others leave. Once wills can be published. */
  join(): Promise<void>;
  /** Has the client's session come here; undefined where it is here. */
  fetch(identity: Identity): Promise<void> | undefined;
  close(): Promise<void>;
}

/** Rejects with BROKER_CLUSTER_UNAVAILABLE. */
export async function openCluster({ node, address, limits, journal }: ClusterOptions): Promise<Cluster> {
  const note = (level: "info" | "warn" | "error", event: string, message: string, count = 1): void =>
    journal({ level, event, at: "broker", message, count });
  let restart = (): void => {};
  const redis = await openRedis({
    address,
    changed: (up, why) => {
      if (up) {
        note("info", "cluster_back", `${address.url} is back`);
        restart();
      } else {
        note("error", "cluster_lost", `${address.url} is away: QoS 1 and 2 are not acknowledged: ${why}`);
      }
    },
    garbled: (why) => note("warn", "cluster_garbled", `a message from ${address.url} cannot be read: ${why}`),
  });
  const outstanding = new Outstanding();
  const queues = new Queues({
    redis,
    outstanding,
    limits,
    dropped: (clientId, count) =>
      note("warn", "queue_dropped", `${count} messages for client ${clientId} were dropped: its queue was full`, count),
  });
  const registry = new Registry((clientId, publication, sending) => queues.append(clientId, publication, sending));
  const store = new ClusterStore({ node, redis, outstanding, settled: (clientId) => queues.settled(clientId) });
  /** Listeners of aedes and of its persistence, apart from the clients': what nodes tell each other is not for these. */
  const own = new Emitter(new Routes());
  let live: { readonly parts: ClusterParts; readonly handover: Handover } | undefined;
  const reading = new Reading();

  const hear = (heard: Heard): void => {
    const { publication, holders } = heard;
    if (live === undefined || live.handover.hear(heard) || heard.node === node) return;
    if (publication.topic.startsWith(SUBSCRIPTIONS)) {
      subscriptionsChanged(publication);
      return;
    }
    const { routes, retained } = live.parts;
    if (publication.retain) {
      reading.touched(publication.topic);
      retained.keep(publication);
    }
    queues.during(holders, () => deliver(routes.match(publication.topic), publication));
  };
  const dropped = (): void => note("warn", "cluster_dropped", "QoS 0 messages did not reach the other gateways");
  const channel = new Channel({ node, redis, outstanding, hear, dropped });
  const nodes = new Nodes({
    node,
    redis,
    orphaned: async (dead) => {
      note("warn", "cluster_node_lost", `gateway ${dead.join(", ")} is gone: its sessions are looked after here`);
      await live?.handover.adopt(dead);
    },
    heard: () => channel.heard(),
    lapsed: () => {
      note("warn", "cluster_lapsed", `this gateway was silent: others may have taken its sessions`);
      restart();
    },
    conflict: () => note("error", "cluster_id_taken", `another gateway has the id ${node}: give each its own`),
  });

  const subscriptionsChanged = (publication: Publication): void => {
    own.emit(publication);
    reading.after(() => changeSubscriptions(registry, publication));
  };

  const seams = (routes: Routes, keep: (publication: Publication) => void): Seams => {
    let holders: readonly string[] = [];
    return {
      everywhere: true,
      mq: {
        current: 0,
        concurrency: 0,
        emit: (publication: Publication, done?: () => void) => {
          const { topic } = publication;
          const held = holders;
          holders = [];
          if (topic.startsWith(SUBSCRIPTIONS)) {
            // aedes' persistence writes text.
            const told = { ...publication, payload: Buffer.from(publication.payload) };
            subscriptionsChanged(told);
            channel.send(told);
          } else if (topic.startsWith("$SYS/")) {
            own.emit(publication);
            if (!internal(node, topic)) deliver(routes.match(topic), publication);
          } else {
            queues.during(held, () => deliver(routes.match(topic), publication));
            channel.send(publication, held);
          }
          done?.();
        },
        on: (filter: string, listener: Listener, done?: () => void) => own.on(filter, listener, done),
        removeListener: (filter: string, listener: Listener, done?: () => void) =>
          own.removeListener(filter, listener, done),
        close: (done: () => void) => done(),
      },
      persistence: {
        setup: async (aedes: unknown) => redis.persistence.setup(aedes),
        storeRetained: (publication: Publication) => {
          keep(publication);
          if (!publication.topic.startsWith("$SYS/")) {
            reading.touched(publication.topic);
            outstanding.track(redis.persistence.storeRetained(plain(publication)));
          }
          return at(undefined);
        },
        subscriptionsByTopic: () => at([]),
        /** All in one go on one connection: nothing here waits for Redis, `stored` of the store does. */
        outgoingEnqueueCombi: (_none: unknown, publication: Publication) => {
          holders = registry.enqueue(publication);
          return at(undefined);
        },
        streamWill: async function* () {},
        destroy: async () => {},
      },
    };
  };

  const synchronize = async (): Promise<void> => {
    if (live === undefined) return;
    const { parts, handover } = live;
    store.retry();
    await reading.run(async () => {
      await channel.heard();
      await readRetained(redis, parts.retained, reading);
      const homes = await redis.commands.hgetall(HOMES);
      const clients = Object.keys(homes);
      const known = await Promise.all(
        clients.map(async (client) => [client, await store.subscriptions(client)] as const),
      );
      registry.replace(known);
      for (const session of parts.sessions.values()) {
        const home = homes[session.clientId];
        if (home !== undefined && home !== node) handover.letGo(session);
        else if (session.kept) queues.ring(session);
      }
    });
  };

  return {
    store,
    queues,
    seams,
    fetch: (identity) => live?.handover.fetch(identity),
    start: async (parts) => {
      const handover = new Handover({
        node,
        redis,
        store,
        sessions: parts.sessions,
        send: (publication) => channel.send(publication),
        alive: (other) => nodes.alive(other),
        left: (session) => queues.forget(session.clientId),
        entries: limits.inFlight,
      });
      live = { parts, handover };
      await channel.open();
      await synchronize();
      restart = () => {
        synchronize().catch((error: unknown) => note("error", "cluster_lost", `not read: ${String(error)}`));
      };
    },
    join: async () => {
      await live?.handover.adopt([node]);
      await nodes.open();
    },
    close: async () => {
      await new Promise<void>((resolve) => outstanding.settled(() => resolve()));
      await nodes.close().catch(() => {});
      redis.close();
    },
  };
}

/** What aedes says to itself. */
function internal(node: string, topic: string): boolean {
  return topic === `$SYS/${node}/heartbeat` || topic === `$SYS/${node}/birth`;
}
