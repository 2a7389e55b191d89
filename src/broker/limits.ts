import { performance } from "node:perf_hooks";

/** What a broker grants its clients. Bytes, ms and counts; `broker.limits` and `broker.queue` of the configuration. */
export interface Limits {
  /** Of a whole packet. */
  readonly packetBytes: number;
  /** Of a packet before the client was let in: a CONNECT is not long. */
  readonly connectBytes: number;
  /** Until CONNECT has come and was answered. */
  readonly connectTimeout: number;
  /** Most seconds of keep alive; who asks for more, or for none, gets this (MQTT 5 3.2.2.3.14). 0: any. */
  readonly keepAlive: number;
  /** QoS 1 and 2 messages of a client on their way in (MQTT 5 Receive Maximum). */
  readonly receiveMaximum: number;
  /** QoS 1 and 2 messages on their way to a client, which may ask for fewer. */
  readonly inFlight: number;
  /** Topic aliases that a client may set, and that are used towards it. */
  readonly topicAliases: number;
  readonly topicLevels: number;
  /** Of one client, in all its filters. */
  readonly subscriptions: number;
  /** Seconds that a session outlives its connection at most. Before MQTT 5 those that are not clean have this. */
  readonly sessionExpiry: number;
  /** Sessions that outlive their connection. */
  readonly sessions: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  /** Of all that waits for all clients. */
  readonly queuedBytes: number;
  /** How long publishers wait for a subscriber that takes less than comes for it; without any progress it is cut off then. */
  readonly patience: number;
  /** What waits for one client. */
  readonly queue: {
    readonly messages: number;
    readonly bytes: number;
    readonly whenFull: "drop-oldest" | "drop-newest";
  };
}

const MIB = 2 ** 20;

export const DEFAULT_LIMITS: Limits = {
  packetBytes: 16 * MIB,
  connectBytes: 256 * 1024,
  connectTimeout: 10_000,
  keepAlive: 0,
  receiveMaximum: 1_024,
  inFlight: 1_024,
  topicAliases: 32,
  topicLevels: 64,
  subscriptions: 1_000,
  sessionExpiry: 0xffff_ffff,
  sessions: 10_000,
  retainedMessages: 100_000,
  retainedBytes: 64 * MIB,
  queuedBytes: 128 * MIB,
  patience: 5_000,
  queue: { messages: 10_000, bytes: 16 * MIB, whenFull: "drop-oldest" },
};

/** ms since the Unix epoch by a clock that is not set while the process runs: a message does not expire because the clock was. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
