import type { EventEmitter } from "node:events";
import type { Persistence } from "aedes-persistence-redis";
import type { MQEmitterRedis } from "mqemitter-redis";
import type { ClusterConfig } from "../../config/index.js";
import { messageOf, WeirError } from "../../core/errors.js";

/** What is used of a connection of ioredis. */
export interface Commands {
  readonly status: string;
  on(event: string, listener: (...values: never[]) => void): unknown;
  listeners(event: string): ((...values: unknown[]) => void)[];
  removeAllListeners(event: string): unknown;
  disconnect(): void;
  psubscribe(pattern: string): Promise<unknown>;
  info(section: string): Promise<string>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, unit: "PX", ms: number, get: "GET"): Promise<string | null>;
  del(...keys: string[]): Promise<number>;
  exists(key: string): Promise<number>;
  hget(key: string, field: string): Promise<string | null>;
  hset(key: string, field: string, value: string): Promise<number>;
  hgetall(key: string): Promise<Record<string, string>>;
  sadd(key: string, ...members: string[]): Promise<number>;
  srem(key: string, ...members: string[]): Promise<number>;
  smembers(key: string): Promise<string[]>;
  xadd(key: string, ...rest: (string | number | Buffer)[]): Promise<string>;
  xdel(key: string, id: string): Promise<number>;
  xrangeBuffer(key: string, from: string, to: string, count: "COUNT", n: number): Promise<[Buffer, Buffer[]][]>;
  eval(script: string, keys: number, ...rest: string[]): Promise<unknown>;
}

export interface Redis {
  readonly address: ClusterConfig;
  /** One connection for all that is written, so that Redis carries it out in the order in which it was asked. */
  readonly commands: Commands;
  readonly emitter: MQEmitterRedis;
  readonly persistence: Persistence;
  /** Once what is published on these channels from now on is heard. */
  listening(pattern: string): Promise<void>;
  /** Both connections are there. */
  readonly up: boolean;
  close(): void;
}

export interface RedisOptions {
  readonly address: ClusterConfig;
  /** It went away, or came back; once a change. */
  readonly changed: (up: boolean, why: string) => void;
  /** What another program published cannot be read. */
  readonly garbled: (why: string) => void;
}

/** ms. What was asked is given up after a few attempts: about five seconds, in which a Redis can be started again. */
const RETRY = { step: 100, most: 1_000, attempts: 8 };
const CONNECT_TIMEOUT = 5_000;
/** A connection on which something is not answered this long is given up. */
const ANSWER_TIMEOUT = 10_000;

/** Resolves once both connections are there; rejects with BROKER_CLUSTER_UNAVAILABLE at the first that cannot be made. */
export async function openRedis({ address, changed, garbled }: RedisOptions): Promise<Redis> {
  const [{ default: createEmitter }, { default: createPersistence }] = await Promise.all([
    import("mqemitter-redis"),
    import("aedes-persistence-redis"),
  ]);
  const { host, port, database, username, password, tls } = address;
  const emitter = createEmitter({
    host,
    port,
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: { servername: host } } : {}),
    connectTimeout: CONNECT_TIMEOUT,
    socketTimeout: ANSWER_TIMEOUT,
    maxRetriesPerRequest: RETRY.attempts,
    retryStrategy: (times) => Math.min(times * RETRY.step, RETRY.most),
  });
  const { pubConn, subConn, state } = emitter as unknown as Connections;
  const both = [pubConn, subConn];
  const close = (): void => {
    for (const connection of both) connection.disconnect();
  };
  // Attempts that fail are told by `changed`; without a listener the emitter would throw.
  let last = "";
  let failed = (_why: string): void => {};
  state.on("error", (error: unknown) => {
    last = messageOf(error);
    failed(last);
  });
  guard(subConn, garbled);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => failed(`no answer in ${CONNECT_TIMEOUT} ms`), CONNECT_TIMEOUT);
      failed = (why) => {
        clearTimeout(timer);
        reject(new Error(why));
      };
      const look = (): void => {
        if (!both.every(({ status }) => status === "ready")) return;
        clearTimeout(timer);
        resolve();
      };
      for (const connection of both) connection.on("ready", look);
    });
    checkVersion(await pubConn.info("server"));
  } catch (error) {
    close();
    throw new WeirError("BROKER_CLUSTER_UNAVAILABLE", `${address.url}: ${messageOf(error)}`, { cause: error });
  }
  failed = () => {};

  let up = true;
  let closing = false;
  const look = (): void => {
    const now = both.every(({ status }) => status === "ready");
    if (now === up || closing) return;
    up = now;
    changed(up, last);
  };
  for (const connection of both) {
    connection.on("ready", look);
    connection.on("close", look);
  }
  return {
    address,
    commands: pubConn,
    emitter,
    persistence: createPersistence({ conn: pubConn }),
    listening: async (pattern) => {
      await subConn.psubscribe(pattern);
    },
    get up() {
      return up;
    },
    close: () => {
      closing = true;
      close();
    },
  };
}

/** What its types leave out. */
interface Connections {
  readonly pubConn: Commands;
  readonly subConn: Commands;
  readonly state: EventEmitter;
}

/** The emitter reads whatever comes: what is not its own would end the process. */
function guard(connection: Commands, garbled: (why: string) => void): void {
  for (const event of ["messageBuffer", "pmessageBuffer"]) {
    const readers = connection.listeners(event);
    connection.removeAllListeners(event);
    connection.on(event, (...values) => {
      try {
        for (const read of readers) read(...values);
      } catch (error) {
        garbled(messageOf(error));
      }
    });
  }
}

/** Streams that count by themselves (`XADD key 0-*`). */
const OLDEST = 7;

function checkVersion(info: string): void {
  const version = /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown";
  if (Number.parseInt(version, 10) < OLDEST) throw new Error(`it is version ${version}; 7.0 or later is needed`);
}
