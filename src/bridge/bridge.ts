import { readFileSync } from "node:fs";
import mqtt, { ErrorWithReasonCode, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Entry, Outbox } from "../outbox/outbox.js";
import { type Routes, type Rule, routes } from "./rules.js";
import { createWindow } from "./window.js";

export interface BridgeOptions {
  readonly id: string;
  /** mqtt://, mqtts://, ws:// or wss:// */
  readonly url: string;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly protocol: 4 | 5;
  /** ms */
  readonly keepAlive: number;
  readonly clean: boolean;
  /** Paths of PEM files. */
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly rejectUnauthorized: boolean;
      }
    | undefined;
  /** How many messages may be on their way unacknowledged. */
  readonly window: number;
  readonly rules: readonly Rule[];
  readonly outbox: Outbox;
  /** Takes a message that came down, already under its local topic. */
  readonly deliver: (message: Message) => Promise<void>;
  /** The gateway's own presence as a local topic: `online` once connected, `offline` as the will. */
  readonly statusTopic: string;
  readonly journal: Journal;
  /** How long to wait before the next attempt, in ms, after `failures` in a row. */
  readonly backoff: (failures: number) => number;
}

export interface Bridge {
  readonly connected: boolean;
  /** Takes the message into the outbox if a rule carries it up; undefined where none does. */
  offer(message: Message): Promise<void> | undefined;
  /** Waits up to `patience` ms for what is on its way, then disconnects. */
  close(patience?: number): Promise<void>;
}

/**
 * Carries an outbox to an upstream and brings commands down. Connects in the background and for ever: a gateway is
 * ready without its upstream. mqtt.js never holds more than the window: beyond 65,535 it would lose publishes without
 * a word, so the outbox owns every message until its acknowledgement.
 */
export function openBridge(options: BridgeOptions): Bridge {
  const { id, outbox, journal } = options;
  const carry = routes(options.rules);
  const client = mqtt.connect(options.url, clientOptions(options, carry));
  const window = createWindow(options.window);
  /** Taken in its turn, and there is no room for it yet: nothing overtakes it. */
  let next: Entry | undefined;
  let failures = 0;
  let closing = false;
  let pumping = false;
  let drained = (): void => {};

  const note = (level: "info" | "warn", event: string, message: string): void =>
    journal({ level, event, at: `bridge ${id}`, message });

  const send = (entry: Entry): void => {
    const { topic, payload, qos, retain } = entry.message;
    window.add(entry);
    client.publish(topic, asBuffer(payload), { qos, retain }, (error) => {
      window.remove(entry);
      if (window.size === 0) drained();
      // Without a reason code an error means "not sent": the message is the outbox's again, in its old place.
      if (error && !(error instanceof ErrorWithReasonCode)) return outbox.release(entry.sequence);
      // With one, the upstream has decided (MQTT 5, 3.4.2.1): sent again it would be refused again, for ever.
      if (error) note("warn", "bridge_refused", `the upstream refused ${topic}: ${error.message}`);
      outbox.acknowledge(entry.sequence);
      pump();
    });
  };

  const pump = (): void => {
    // mqtt.js calls back for QoS 0 before `publish` returns: without this each message would deepen the stack.
    if (pumping) return;
    pumping = true;
    while (client.connected && !closing) {
      next ??= outbox.take();
      if (next === undefined || !window.fits(next.message.qos)) break;
      const entry = next;
      next = undefined;
      send(entry);
    }
    pumping = false;
  };

  outbox.onWaiting(pump);
  client.handleMessage = (packet: IPublishPacket, done): void => {
    receive(options, carry, packet).then(() => done(), done);
  };

  client.on("connect", (connack) => {
    failures = 0;
    // mqtt.js does not hold to it by itself (MQTT 5, 3.2.2.3.3).
    window.connected(connack.properties?.receiveMaximum);
    note("info", "bridge_up", `connected to ${options.url}, ${outbox.depth.messages} messages wait`);
    const online = carry.up(statusOf(options.statusTopic, "online"));
    if (online) client.publish(online.topic, asBuffer(online.payload), { qos: online.qos, retain: online.retain });
    for (const { filter, qos } of carry.subscriptions) {
      client.subscribe(filter, { qos }, (error, granted) => {
        const refused =
          error ?? (granted?.some((g) => g.qos === 128) ? new Error("refused by the upstream") : undefined);
        if (refused) note("warn", "bridge_subscribe_failed", `cannot subscribe to ${filter}: ${refused.message}`);
      });
    }
    pump();
  });
  client.on("error", (error) => note("warn", "bridge_error", `${options.url}: ${messageOf(error)}`));
  // Before mqtt.js' own listener, which reads the period to arm its timer.
  client.prependListener("close", () => {
    if (client.connected && !closing)
      note("warn", "bridge_down", `lost ${options.url}, ${outbox.depth.messages} messages wait`);
    client.options.reconnectPeriod = Math.max(1, options.backoff(failures));
    failures += 1;
  });

  return {
    get connected() {
      return client.connected;
    },
    offer: (message) => {
      const up = carry.up(message);
      return up && outbox.append(up);
    },
    close: async (patience = 2000) => {
      closing = true;
      if (client.connected && window.size > 0)
        await withPatience(new Promise<void>((resolve) => (drained = resolve)), patience);
      await sayOffline(client, carry, options.statusTopic);
      await client.endAsync(true);
    },
  };
}

function clientOptions(options: BridgeOptions, carry: Routes): IClientOptions {
  const { tls } = options;
  const will = carry.up(statusOf(options.statusTopic, "offline"));
  const read = (path: string | undefined): Buffer | undefined => (path === undefined ? undefined : readFileSync(path));
  return {
    clientId: options.clientId,
    protocolVersion: options.protocol,
    clean: options.clean,
    keepalive: Math.ceil(options.keepAlive / 1000),
    // Subscriptions are made anew on every connect, here, where a refusal is seen.
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: 10_000,
    reconnectPeriod: Math.max(1, options.backoff(0)),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(will ? { will: { ...will, payload: asBuffer(will.payload) } } : {}),
    // A session that ends with the connection would forget the commands queued for us (MQTT 5, 3.1.2.11.2).
    ...(options.protocol === 5 && !options.clean ? { properties: { sessionExpiryInterval: 0xffff_ffff } } : {}),
    ...(tls
      ? { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key), rejectUnauthorized: tls.rejectUnauthorized }
      : {}),
  } as IClientOptions;
}

async function receive(options: BridgeOptions, carry: Routes, packet: IPublishPacket): Promise<void> {
  const { topic, qos, retain } = packet;
  const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
  const message = carry.down({ topic, payload, qos, retain });
  const drop = (reason: string, why: string): void =>
    options.journal({
      level: "warn",
      event: "bridge_in_dropped",
      at: `bridge ${options.id}`,
      reason,
      message: `${topic}: ${why}`,
    });
  if (message === undefined) return drop("no_rule", "the upstream sent what no rule asks for");
  try {
    await options.deliver(message);
  } catch (error) {
    drop("refused", messageOf(error));
  }
}

function statusOf(topic: string, status: "online" | "offline"): Message {
  return { topic, payload: Buffer.from(status), qos: 1, retain: true };
}

/** A DISCONNECT discards the will (MQTT-3.1.2-10), so a gateway that stops in order says so itself. */
async function sayOffline(client: MqttClient, carry: Routes, topic: string): Promise<void> {
  const offline = carry.up(statusOf(topic, "offline"));
  if (!client.connected || offline === undefined) return;
  const said = client.publishAsync(offline.topic, asBuffer(offline.payload), { qos: 1, retain: true });
  await withPatience(
    said.then(
      () => {},
      () => {},
    ),
    1000,
  );
}

async function withPatience(wait: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([wait, patience]);
  clearTimeout(timer);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
