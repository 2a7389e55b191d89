import type { Stats } from "../stats.js";

/** How it stands now, besides what is counted. */
export interface Standing {
  /** Whole seconds since the start. */
  readonly uptime: number;
  readonly connected: number;
  /** Sessions whose client is away. */
  readonly disconnected: number;
  readonly subscriptions: number;
  /** Groups that share one. */
  readonly groups: number;
  readonly retained: number;
  /** Messages and bytes that wait in sessions, and retained ones. */
  readonly storedMessages: number;
  readonly storedBytes: number;
  /** Bytes of the process. */
  readonly rss: number;
}

/** By topic below `$SYS/broker/`: mosquitto's names, where they mean the same. */
export function sysTopics(stats: Stats, standing: Standing): ReadonlyMap<string, string> {
  const { connected, disconnected } = standing;
  const topics: Readonly<Record<string, number | string>> = {
    uptime: `${standing.uptime} seconds`,
    "clients/total": connected + disconnected,
    "clients/connected": connected,
    "clients/active": connected,
    "clients/disconnected": disconnected,
    "clients/inactive": disconnected,
    "clients/maximum": stats.clientsMaximum,
    "clients/expired": stats.clientsExpired,
    "messages/received": stats.messagesReceived,
    "messages/sent": stats.messagesSent,
    "messages/stored": standing.storedMessages,
    "store/messages/count": standing.storedMessages,
    "store/messages/bytes": standing.storedBytes,
    "publish/messages/received": stats.publishReceived,
    "publish/messages/sent": stats.publishSent,
    "publish/messages/dropped": stats.publishDropped,
    "publish/bytes/received": stats.publishBytesReceived,
    "publish/bytes/sent": stats.publishBytesSent,
    "bytes/received": stats.bytesReceived,
    "bytes/sent": stats.bytesSent,
    "subscriptions/count": standing.subscriptions,
    "shared_subscriptions/count": standing.groups,
    "retained messages/count": standing.retained,
    "heap/current": standing.rss,
  };
  return new Map(Object.entries(topics).map(([topic, value]) => [topic, String(value)]));
}

/** What is also told as an average a minute, below `$SYS/broker/load/`, with `/1min`, `/5min` and `/15min`. */
export const LOADS: Readonly<Record<string, (stats: Stats) => number>> = {
  "messages/received": (stats) => stats.messagesReceived,
  "messages/sent": (stats) => stats.messagesSent,
  "publish/received": (stats) => stats.publishReceived,
  "publish/sent": (stats) => stats.publishSent,
  "publish/dropped": (stats) => stats.publishDropped,
  "bytes/received": (stats) => stats.bytesReceived,
  "bytes/sent": (stats) => stats.bytesSent,
  sockets: (stats) => stats.sockets,
  connections: (stats) => stats.connections,
};
