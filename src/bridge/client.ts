import { readFileSync } from "node:fs";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { messageOf, WeirError } from "../core/errors.js";
import type { Message } from "../core/message.js";

/** Where an upstream is and how to connect to it. */
export interface UpstreamOptions {
  /** The bridge's. */
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
  /** How long to wait before the next attempt, in ms, after `failures` in a row. */
  readonly backoff: (failures: number) => number;
}

/** How long the upstream may take for each of the last words, in ms. */
const FAREWELL = 1000;

/**
 * Begins to connect. Throws BRIDGE_FAILED: files that are missing and certificates that are none are found before any
 * connection. The will is a message as the upstream gets it.
 */
export function connect(options: UpstreamOptions, will: Message | undefined): MqttClient {
  try {
    return mqtt.connect(options.url, clientOptions(options, will));
  } catch (cause) {
    throw new WeirError("BRIDGE_FAILED", `bridge ${options.id} to ${options.url}: ${messageOf(cause)}`, { cause });
  }
}

function clientOptions(options: UpstreamOptions, will: Message | undefined): IClientOptions {
  const { tls } = options;
  const read = (path: string | undefined): Buffer | undefined => (path === undefined ? undefined : readFileSync(path));
  return {
    clientId: options.clientId,
    protocolVersion: options.protocol,
    clean: options.clean,
    keepalive: Math.ceil(options.keepAlive / 1000),
    // Subscriptions are made anew on every connect, by the bridge, where a refusal is seen.
    resubscribe: false,
    // Otherwise an upstream that once answers "server unavailable" or "not authorized" is given up for good.
    reconnectOnConnackError: true,
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

/**
 * Ends in order where there is a connection. A DISCONNECT discards the will (MQTT-3.1.2-10), so that a gateway which stops
 * says itself what the will would have said. An upstream that does not answer is not waited for. Never rejects.
 */
export async function disconnect(client: MqttClient, farewell: Message | undefined): Promise<void> {
  if (client.connected && farewell !== undefined) {
    const { topic, payload, qos, retain } = farewell;
    await withPatience(client.publishAsync(topic, asBuffer(payload), { qos, retain }), FAREWELL);
  }
  // Without a connection mqtt.js would keep the DISCONNECT for the next one: then it is to break off at once.
  await withPatience(client.endAsync(!client.connected), FAREWELL);
  client.stream.destroy();
}

/** Until the work has ended, well or not, or `ms` have passed. */
export async function withPatience(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.allSettled([work]), patience]);
  clearTimeout(timer);
}

/** mqtt.js writes Buffers; a view costs nothing. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
