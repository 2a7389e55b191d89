import type { Qos } from "../../../src/core/message.js";
import { Refused } from "./refused.js";

/** What the query of a request says. */
export interface Parameters {
  readonly clientId: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly qos: Qos | undefined;
  readonly retain: boolean;
  /** Seconds; undefined: never. */
  readonly expiry: number | undefined;
  readonly noLocal: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/** EMQX's short names. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["c", "clientid"],
  ["u", "username"],
  ["p", "password"],
  ["t", "token"],
  ["q", "qos"],
  ["r", "retain"],
]);
const KNOWN: ReadonlySet<string> = new Set([...SHORT.values(), "expiry", "nl", "rh"]);
/** Seconds: what MQTT 5 can say (3.3.2.3.3). */
const LONGEST_EXPIRY = 0xffff_ffff;

/** Reads `["clientid=a", "qos=1"]`. Names that are not known count for nothing. Throws Refused. */
export function readParameters(query: readonly string[]): Parameters {
  const found = new Map<string, string>();
  for (const parameter of query) {
    const end = parameter.indexOf("=");
    const written = end < 0 ? parameter : parameter.slice(0, end);
    const name = SHORT.get(written) ?? written;
    if (!KNOWN.has(name)) continue;
    // Which of two passwords or tokens would count is nothing to guess.
    if (found.has(name)) throw bad(`there are two of ${name}`);
    found.set(name, end < 0 ? "" : parameter.slice(end + 1));
  }
  const number = <T extends number>(name: string, allowed: readonly T[]): T | undefined => {
    const text = found.get(name);
    if (text === undefined) return undefined;
    const value = allowed.find((one) => String(one) === text);
    if (value === undefined) throw bad(`${name} must be one of ${allowed.join(", ")}`);
    return value;
  };
  return {
    clientId: found.get("clientid"),
    username: found.get("username"),
    password: found.get("password"),
    token: found.get("token"),
    qos: number("qos", [0, 1, 2] as const),
    retain: flagOf("retain", found.get("retain")),
    expiry: expiryOf(found.get("expiry")),
    noLocal: flagOf("nl", found.get("nl")),
    // As with EMQX: who subscribes again, to keep the observation alive, does not get them all again.
    retainHandling: number("rh", [0, 1, 2] as const) ?? 1,
  };
}

function flagOf(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1") return true;
  throw bad(`${name} must be true or false`);
}

/** 0 is for ever, as EMQX has it. */
function expiryOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= LONGEST_EXPIRY)) throw bad("expiry must be a number of seconds");
  return seconds === 0 ? undefined : seconds;
}

function bad(message: string): Refused {
  return new Refused("4.00", message, { reason: "query" });
}

/**
 * The topic, or filter, in the path of `/ps/{topic}`. Percent escapes that are still in it are decoded, as EMQX does it: some
 * clients do not. What is none stays.
 */
export function topicOf(path: readonly string[]): string {
  const topic = path.slice(1).join("/");
  if (!topic.includes("%")) return topic;
  try {
    return decodeURIComponent(topic);
  } catch {
    return topic; // 50% is a topic too
  }
}
