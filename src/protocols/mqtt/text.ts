import { type MqttError, malformed } from "./error.js";
import type { ProtocolVersion } from "./packet.js";

/** UTF-8 strings, topic names and topic filters: what may be in them, for both directions. */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
const HASH = 0x23;
const PLUS = 0x2b;
const NUL = "U+0000 in a string [MQTT-1.5.3-2, MQTT 5: MQTT-1.5.4-2]";
const EMPTY_NAME = "an empty topic name [MQTT-4.7.3-1]";
const WILDCARD = "a wildcard in a topic name [MQTT-3.3.2-2, MQTT-4.7.1-1]";

/** Throws MqttError for what is no well-formed UTF-8, or has U+0000 (MQTT-1.5.3-1, -2; MQTT 5 MQTT-1.5.4-1, -2). */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  let seen = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) throw nul();
    seen |= byte;
  }
  return seen < 0x80 ? bytes.toString("latin1", start, end) : decodeUtf8(bytes, start, end);
}

/**
 * The same in one pass for a topic name, without wildcards and not empty (MQTT-3.3.2-2, MQTT-4.7.1-1, MQTT-4.7.3-1).
 * A cache from bytes to strings did not pay: with 100 topics it was slower than this.
 */
export function decodeTopicName(bytes: Buffer, start: number, end: number): string {
  if (start === end) throw malformed(EMPTY_NAME);
  let seen = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    // In UTF-8 these bytes stand for nothing else.
    if (byte === 0) throw nul();
    if (byte === HASH || byte === PLUS) throw malformed(WILDCARD);
    seen |= byte;
  }
  return seen < 0x80 ? bytes.toString("latin1", start, end) : decodeUtf8(bytes, start, end);
}

function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  // Buffer puts U+FFFD for what is no UTF-8, and is faster than a TextDecoder: only what has one is looked at twice.
  if (!text.includes("\ufffd")) return text;
  try {
    return UTF8.decode(bytes.subarray(start, end));
  } catch (cause) {
    const error = malformed("a string that is not well-formed UTF-8 [MQTT-1.5.3-1, MQTT 5: MQTT-1.5.4-1]");
    error.cause = cause;
    throw error;
  }
}

function nul(): MqttError {
  return malformed(NUL);
}

/** Why a text cannot be a string of MQTT, or undefined. */
export function textFault(text: string): string | undefined {
  if (text.includes("\0")) return NUL;
  if (LONE_SURROGATE.test(text)) return "a lone surrogate [MQTT-1.5.3-1, MQTT 5: MQTT-1.5.4-1]";
  return undefined;
}

/** Why a well-formed string is no topic name, or undefined. */
export function topicNameFault(topic: string): string | undefined {
  if (topic.length === 0) return EMPTY_NAME;
  if (topic.includes("#") || topic.includes("+")) return WILDCARD;
  return undefined;
}

/** Why a well-formed string is no topic filter, or undefined. */
export function topicFilterFault(filter: string, version: ProtocolVersion): string | undefined {
  if (filter.length === 0) return "an empty topic filter [MQTT-4.7.3-1]";
  if (version === 5 && filter.startsWith("$share/")) {
    const slash = filter.indexOf("/", 7);
    const group = filter.slice(7, slash === -1 ? undefined : slash);
    if (group.length === 0 || group.includes("+") || group.includes("#")) return "a share name [MQTT-4.8.2-1]";
    if (slash === -1 || slash === filter.length - 1) return "a share without a topic filter [MQTT-4.8.2-2]";
  }
  for (let at = filter.indexOf("#"); at !== -1; at = filter.indexOf("#", at + 1)) {
    if (at !== filter.length - 1 || !levelBegins(filter, at)) return "# that is not the last level [MQTT-4.7.1-2]";
  }
  for (let at = filter.indexOf("+"); at !== -1; at = filter.indexOf("+", at + 1)) {
    const ends = at === filter.length - 1 || filter.charAt(at + 1) === "/";
    if (!ends || !levelBegins(filter, at)) return "+ that is not a whole level [MQTT-4.7.1-3]";
  }
  return undefined;
}

function levelBegins(filter: string, at: number): boolean {
  return at === 0 || filter.charAt(at - 1) === "/";
}
