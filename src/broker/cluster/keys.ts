/** What there is in Redis besides what aedes' persistence keeps (subscriptions, retained messages). */
export const HOMES = "weir:homes";
/** The terms of each session by its client, beside HOMES, which says on which node it is. */
export const SESSIONS = "weir:sessions";
export const NODES = "weir:nodes";

/** Lives as long as the node says that it does. */
export function nodeKey(node: string): string {
  return `weir:node:${node}`;
}

/** A stream: what waits for the client, and is on its way to it. Its ids are `0-` and the sequence. */
export function queueKey(clientId: string): string {
  return `weir:queue:${clientId}`;
}

/** Packet ids of QoS 2 messages of the client that were taken. */
export function receivedKey(clientId: string): string {
  return `weir:received:${clientId}`;
}

/** Sequences of QoS 2 messages to the client for which PUBREC came. */
export function releasedKey(clientId: string): string {
  return `weir:released:${clientId}`;
}

/** A node that was away too long must not write over what is on another one now: each asks whether the session is still its own. */
export const SCRIPTS = {
  /** HOMES SESSIONS | client node terms */
  put: `local home = redis.call('HGET', KEYS[1], ARGV[1])
if home and home ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1`,
  /** HOMES SESSIONS queue received released | client node */
  drop: `if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
return 1`,
  /** HOMES | client from to */
  claim: `if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`,
} as const;
