import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { everyone } from "./broker/access/everyone.js";
import { openAccess } from "./broker/access/open.js";
import { type Broker, openBroker } from "./broker/broker.js";
import { memoryStore } from "./broker/store/memory.js";
import { openStore } from "./broker/store/open.js";
import type { LiveState, Store } from "./broker/store/store.js";
import { type ClockStatus, createHold, openClock, sessionByWall } from "./clock/index.js";
import { type Config, type DeviceConfig, resourcePolicy } from "./config/index.js";
import type { Link, Session } from "./core/adapter.js";
import { messageOf, WeirError } from "./core/errors.js";
import type { Journal } from "./core/journal.js";
import type { Accept, Message, Origin } from "./core/message.js";
import type { ReadingSink } from "./core/reading.js";
import { formatTopic, isCommandTopic, validTopic } from "./core/topics.js";
import { gatewayInfo } from "./info.js";
import type { Counter, Recorder } from "./journal.js";
import { type Supervised, superviseLink } from "./link/index.js";
import type { Plan } from "./plan.js";
import {
  commandAccess,
  createAvailability,
  createDispatcher,
  createDownlink,
  createRouter,
  type DevicePolicy,
  gatewayMessage,
  openCommandLog,
} from "./router/index.js";
import { reportSelf } from "./self-report.js";
import { simulateDevices } from "./simulated.js";
import { openUplink, type Uplink } from "./uplink.js";
import { version } from "./version.js";

export interface Gateway {
  /** The broker's listeners with their real ports. */
  readonly listeners: readonly string[];
  /** What arrives at the simulated upstream, where there is one. */
  onUpstream(hear: (message: Message) => void): void;
  counters(): Counter[];
  /** Whether the clock is set, what says so, and how many readings wait until it is. */
  clock(): ClockStatus & { readonly held: number };
  /** Stops in order: no new readings, what was accepted goes up as far as it can, then everything closes. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly plan: Plan;
  readonly recorder: Recorder;
  /** ms since the Unix epoch: the machine's clock if left out. */
  readonly now?: () => number;
  /** The folder where systemd-timesyncd says whether it has set the clock; that of the system if left out. */
  readonly timesync?: string;
}

/** How often the counters are published if they changed, in ms. */
const COUNTERS_EVERY = 10_000;

/**
 * The one place that builds everything: starts in the order of the way up's far end first, so that whatever a part needs
 * is there before it, and stops in reverse.
 */
export async function startGateway({ plan, recorder, now = Date.now, timesync }: GatewayOptions): Promise<Gateway> {
  const { config } = plan;
  const { id: gateway, prefix } = config.gateway;
  const { journal } = recorder;
  const ticks = (): number => performance.now();
  const started = now();
  const release = version();
  const undo: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) {
      await last().catch((error: unknown) =>
        journal({ level: "error", event: "stop_failed", at: "gateway", message: messageOf(error) }),
      );
    }
  };

  try {
    const file = join(config.gateway.state, "clock");
    const clock = await openClock({ ...config.gateway.clock, id: gateway, file, now, ticks, journal, timesync });
    undo.push(() => clock.stop());
    const upstream = await openUpstream(plan, journal);
    if (upstream) undo.push(() => upstream.close());

    const bridges: Uplink[] = [];
    let tellInfo = (): void => {};
    const supervised = new Map<string, Supervised>();
    const sessionOf = (device: string): Session | "opening" | undefined => {
      const link = supervised.get(device);
      const session = link?.session();
      if (session !== undefined) return sessionByWall(session, clock);
      return link === undefined || opensFirst(link) ? "opening" : undefined;
    };
    const log = await openCommandLog({ folder: join(config.gateway.state, "commands"), ticks, journal });
    undo.push(() => log.close());
    const dispatcher = createDispatcher({ sessionOf, now, ticks, journal, log });
    const downlink = createDownlink({
      prefix,
      dispatcher,
      hasDevice: (id) => config.devices.some((device) => device.id === id),
      resourceType: (device, resource) => plan.profiles.get(device)?.resources.get(resource)?.type,
      accept: (message, origin) => accept(message, origin),
      allowed: commandAccess(config.commands.allow),
      log,
      now,
      clockSet: () => clock.trusted(),
      journal,
    });
    undo.push(() => downlink.close());
    /**
     * Where every message passes, a client's as well as a device's: up the bridges, and down if it is a command. Undefined where
     * nobody needs to be waited for: a promise a message is what most of a broker's time would go into.
     */
    const admit = (message: Message, origin: Origin): Promise<unknown> | undefined => {
      const offered = offerAll(bridges, message, origin);
      if (!isCommandTopic(prefix, message.topic)) return offered;
      return Promise.resolve(offered).then(() => downlink.handle(message, origin));
    };
    const access = await openAccess({
      settings: config.broker,
      listeners: config.broker.listeners,
      now,
      trusted: clock.trusted,
      ticks,
      journal,
    });
    undo.push(() => access.close());
    const broker = await openBroker({
      id: gateway,
      admit: (message, client) => admit(message, { from: "client", client }),
      journal,
      access,
      wall: now,
      openStore: (live) => openBrokerStore(config, live, journal),
      cluster: config.broker.cluster,
      version: release,
      sys: config.broker.sys === "off" ? 0 : config.broker.sys,
      rewrite: config.broker.rewrite,
      clients: config.broker.clients,
      limits: { ...config.broker.limits, queue: config.broker.queue },
    });
    undo.push(() => broker.close());

    /** A disk that cannot keep it must not keep the gateway from starting. */
    const present = async (online: boolean): Promise<void> => {
      try {
        await broker.publish(gatewayMessage(prefix, gateway, online));
      } catch (error) {
        const message = `the gateway's presence is said here, and not kept: ${messageOf(error)}`;
        journal({ level: "warn", event: "status_refused", at: "gateway", message });
      }
    };
    const accept: Accept = async (message, origin) => {
      checkTopic(message.topic);
      await admit(message, origin);
      await broker.publish(message);
    };
    // Before the first is opened: should the second fail, the first would keep the process alive.
    undo.push(async () => void (await Promise.all(bridges.map((bridge) => bridge.close()))));
    for (const settings of config.bridges)
      bridges.push(
        await openUplink(settings, { plan, accept, journal, now, trusted: clock.trusted, onUp: () => tellInfo() }),
      );
    // Not through the bridges: each says it upstream by itself, with a will.
    await present(true);
    const listeners = await broker.listen(config.broker.listeners);
    undo.push(() => present(false));

    const simulated = await simulateDevices(plan, journal, now);
    undo.push(() => simulated.close());
    const links = plan.links(simulated.addresses);

    const policies = config.devices.map(policyOf);
    const router = createRouter({ prefix, gateway, devices: policies, accept, now: ticks, journal });
    const availability = createAvailability({
      prefix,
      devices: policies.map((device) => ({ ...device, impliesOnline: impliesOnline(links, device.id) })),
      accept,
      now: ticks,
      journal,
    });
    await availability.start();
    undo.push(() => availability.stop());
    undo.push(() => router.stop());

    const hold = createHold({ id: gateway, clock, next: router.sink, journal });
    const sinkOf = (link: Link): ReadingSink => {
      const take = hold.sink(link.acknowledges ?? true);
      return async (readings) => {
        // At once: a device whose readings are held is there.
        for (const device of new Set(readings.map((reading) => reading.device))) availability.seen(device);
        await take(readings);
      };
    };
    const stopping = new AbortController();
    // Each link listens to it: with more than ten of them Node would warn of a leak.
    setMaxListeners(0, stopping.signal);
    const opened: Supervised[] = [];
    for (const link of links) {
      const onState = ({ kind }: { kind: string }): void => {
        availability.link(link.devices, kind === "up");
        dispatcher.wake(link.devices);
      };
      const { signal } = stopping;
      const { pubsub } = broker;
      const one = superviseLink(link, {
        sink: sinkOf(link),
        pubsub,
        journal,
        now: clock.stamp,
        ticks,
        signal,
        onState,
      });
      for (const device of link.devices) supervised.set(device, one);
      opened.push(one);
    }
    undo.push(async () => {
      await downlink.close();
      stopping.abort();
      await Promise.all(opened.map((link) => link.close()));
    });
    // Before the links close: a device that waits for its answer is still to get it.
    undo.push(() => hold.stop());
    downlink.resume();
    simulated.start();
    const counters = reportSelf({
      topic: formatTopic(prefix, { kind: "counters", gateway }),
      content: recorder.counters,
      publish: async (message) => broker.publish(message),
      every: COUNTERS_EVERY,
    });
    const info = reportSelf({
      topic: formatTopic(prefix, { kind: "info", gateway }),
      content: () =>
        gatewayInfo({
          version: release,
          started,
          clock: { ...clock.state(), held: hold.held },
          devices: config.devices.map(({ id }) => ({ id, online: availability.isOnline(id) })),
          bridges,
          now: now(),
        }),
      // Not through the outboxes: only the latest counts.
      publish: async (message) => {
        for (const bridge of bridges) bridge.announce(message);
        await broker.publish(message);
      },
      every: config.gateway.info,
    });
    // What is kept there from the connection before says that there is none.
    tellInfo = info.tell;
    undo.push(counters.end, info.end);

    return {
      listeners,
      onUpstream: (hear) => upstream?.subscribe("#", hear),
      counters: recorder.counters,
      clock: () => ({ ...clock.state(), held: hold.held }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A broker may close the connection for a control character in a topic, and must for a NUL (MQTT 1.5.3): carried up, it would
 * be sent again on every connection and none would last, so that one client could cut the gateway off for good.
 */
function checkTopic(topic: string): void {
  if (validTopic(topic) && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(topic)) return;
  throw new WeirError("PAYLOAD_INVALID", `${JSON.stringify(topic.slice(0, 100))} is not a topic that brokers take`);
}

/**
 * Into the outbox of every bridge with a rule for it, save the one it came down. Refused by one, it is refused, and no other
 * has taken it: the sender sends it again. Save a client's QoS 0: nobody keeps that, and all that a refusal could do is to
 * disconnect the client. At a full outbox it is lost, which the outbox counts, and goes on to all others.
 */
function offerAll(bridges: readonly Uplink[], message: Message, origin: Origin): Promise<unknown> | undefined {
  const takers = origin.from === "bridge" ? bridges.filter(({ id }) => id !== origin.bridge) : bridges;
  const [only] = takers;
  if (only === undefined) return undefined;
  const fleeting = message.qos === 0 && origin.from === "client";
  if (takers.length === 1) {
    const offered = only.offer(message);
    return fleeting ? offered?.catch(() => {}) : offered;
  }
  if (fleeting) return Promise.allSettled(takers.map((bridge) => bridge.offer(message)));
  try {
    for (const bridge of takers) bridge.check(message);
  } catch (error) {
    return Promise.reject(error);
  }
  return Promise.all(takers.map((bridge) => bridge.offer(message)));
}

/** It has been neither up nor given up since the start. */
function opensFirst({ state }: Supervised): boolean {
  return state.kind === "idle" || (state.kind === "opening" && state.failures === 0);
}

/** How long `interval` lets pass between two syncs, in ms. */
const SYNC_EVERY = 1_000;

function openBrokerStore({ gateway, broker }: Config, live: LiveState, journal: Journal): Promise<Store> {
  const { durability } = broker;
  if (durability === "memory") return Promise.resolve(memoryStore());
  const folder = join(gateway.state, "broker");
  return openStore({ folder, durability, interval: SYNC_EVERY, live, journal });
}

/** The second broker of demos: what a bridge carries has somewhere to arrive. */
async function openUpstream(plan: Plan, journal: Journal): Promise<Broker | undefined> {
  const listener = plan.config.simulator?.upstream;
  if (listener === undefined) return undefined;
  const broker = await openBroker({
    id: "upstream",
    admit: () => undefined,
    journal,
    access: everyone,
    openStore: async () => memoryStore(),
    version: version(),
    sys: 0,
    limits: { ...plan.config.broker.limits, queue: plan.config.broker.queue },
  });
  try {
    await broker.listen([listener]);
  } catch (error) {
    // Its timers would keep the process alive.
    await broker.close();
    throw error;
  }
  return broker;
}

function policyOf(device: DeviceConfig): DevicePolicy {
  const { id, adapter, stale } = device;
  return { id, adapter, stale, resources: (name) => resourcePolicy(device, name) };
}

function impliesOnline(links: readonly Link[], device: string): boolean {
  return links.find((link) => link.devices.includes(device))?.impliesOnline ?? false;
}
