/**
 * Every topic that Weir makes, written and read in one place, and the matching of MQTT 4.7. Nobody else concatenates topics.
 *
 * readings       by template, customarily `{prefix}/{device}/{resource}`
 * availability   `{prefix}/{device}/status`
 * gateway        `{prefix}/$gateway/{id}/status`, and `counters`, `info`, `batch`, `probe` beside it
 * commands       `{prefix}/{device}/{resource}/set` | `get` | `exec`
 * results        `{prefix}/{device}/{resource}/result`
 *
 * A device's name cannot begin with `$`, and `status` is no resource's name: so no two of these can be the same topic.
 */
import type { Action } from "./command.js";

/** What a gateway says about itself: its presence, and what belongs to it. */
export type GatewayKind = "gateway" | "counters" | "info" | "batch" | "probe";

/** The topics with a fixed shape below the gateway's prefix. Readings have a template instead. */
export type Topic =
  | { readonly kind: "availability"; readonly device: string }
  | { readonly kind: GatewayKind; readonly gateway: string }
  | { readonly kind: "command"; readonly device: string; readonly resource: string; readonly action: Action }
  | { readonly kind: "result"; readonly device: string; readonly resource: string };

const VERBS = { write: "set", read: "get", execute: "exec" } as const satisfies Record<Action, string>;
const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["set", "write"],
  ["get", "read"],
  ["exec", "execute"],
]);
const STATUS = "status";
const RESULT = "result";
const GATEWAY = "$gateway";
const OWN = {
  gateway: STATUS,
  counters: "counters",
  info: "info",
  batch: "batch",
  probe: "probe",
} as const satisfies Record<GatewayKind, string>;
const OWN_KINDS: ReadonlyMap<string, GatewayKind> = new Map(
  Object.entries(OWN).map(([kind, level]) => [level, kind as GatewayKind]),
);

/** Names of gateways, devices and resources: one topic level each, in characters that every broker, path and file takes. */
export function validName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(name);
}

/** A resource named `status` would have its readings on the availability topic. */
export function validResourceName(name: string): boolean {
  return name !== STATUS && validName(name);
}

/** `$` in front is the broker's (MQTT 4.7.2), an empty level at either end is a slip, and braces are a template's. */
export function validPrefix(prefix: string): boolean {
  return validTopic(prefix) && !/^[$/]|[{}]|\/$/.test(prefix);
}

export function formatTopic(prefix: string, topic: Topic): string {
  switch (topic.kind) {
    case "availability":
      return `${prefix}/${topic.device}/${STATUS}`;
    case "command":
      return `${prefix}/${topic.device}/${topic.resource}/${VERBS[topic.action]}`;
    case "result":
      return `${prefix}/${topic.device}/${topic.resource}/${RESULT}`;
    default:
      return `${prefix}/${GATEWAY}/${topic.gateway}/${OWN[topic.kind]}`;
  }
}

/** The inverse of `formatTopic`: undefined for whatever is none of these topics, a reading's included. */
export function parseTopic(prefix: string, topic: string): Topic | undefined {
  if (!topic.startsWith(prefix) || topic[prefix.length] !== "/") return undefined;
  const [first, second, third, ...rest] = topic.slice(prefix.length + 1).split("/", 4);
  if (first === undefined || second === undefined || rest.length > 0) return undefined;
  if (first === GATEWAY) {
    const kind = OWN_KINDS.get(third ?? "");
    return kind !== undefined && validName(second) ? { kind, gateway: second } : undefined;
  }
  if (!validName(first)) return undefined;
  if (third === undefined) return second === STATUS ? { kind: "availability", device: first } : undefined;
  if (!validResourceName(second)) return undefined;
  if (third === RESULT) return { kind: "result", device: first, resource: second };
  const action = ACTIONS.get(third);
  return action && { kind: "command", device: first, resource: second, action };
}

/** Whether `parseTopic` would find a command there. For every message: it allocates nothing for those that are none. */
export function isCommandTopic(prefix: string, topic: string): boolean {
  if (!(topic.endsWith("/set") || topic.endsWith("/get") || topic.endsWith("/exec"))) return false;
  return parseTopic(prefix, topic)?.kind === "command";
}

/** What to subscribe to for every command to every device of the gateway. */
export function commandFilters(prefix: string): string[] {
  return Object.values(VERBS).map((verb) => `${prefix}/+/+/${verb}`);
}

export const DEFAULT_TEMPLATE = "{prefix}/{device}/{resource}";

/** The parts of a template that are the same for all of a gateway's readings. */
export interface GatewayNames {
  readonly prefix: string;
  readonly gateway: string;
}

export interface ReadingNames {
  readonly device: string;
  readonly resource: string;
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

function fill(template: string, names: ReadonlyMap<string, string>): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => names.get(name) ?? whole);
}

/** Why a reading's topic template cannot be used, in words that follow its name; undefined where it can. */
export function templateProblem(template: string): string | undefined {
  const known = ["prefix", "device", "resource", "gateway"];
  for (const [whole, name] of template.matchAll(PLACEHOLDER)) {
    if (!known.includes(name ?? "")) return `has ${whole}, which is none of {prefix}, {device}, {resource}, {gateway}`;
  }
  const example = template.replace(PLACEHOLDER, "x");
  if (/[{}]/.test(example)) return "has a brace that is not part of a placeholder";
  if (!validTopic(example)) return "is not a valid MQTT topic: it must not be empty or have +, # or NUL in it";
  return example.startsWith("$") ? "begins with $, which MQTT leaves to the broker" : undefined;
}

/** A reading's topic. A template without `{resource}` gives one topic for the whole device (format `object`). */
export function formatReadingTopic(template: string, gateway: GatewayNames, names: ReadingNames): string {
  return fill(template, new Map([...Object.entries(gateway), ...Object.entries(names)]));
}

/**
 * The inverse of `formatReadingTopic`: the names that the template holds, undefined where the topic is not the template's.
 * A level with both {device} and {resource} in it cannot be told apart, and is undefined too.
 */
export function parseReadingTopic(
  template: string,
  gateway: GatewayNames,
  topic: string,
): Partial<ReadingNames> | undefined {
  const wanted = fill(template, new Map(Object.entries(gateway))).split("/");
  const levels = topic.split("/");
  if (wanted.length !== levels.length) return undefined;
  const found = new Map<string, string>();
  for (const [index, level] of levels.entries()) {
    const pattern = wanted[index] ?? "";
    const [before = "", name, after = "", ...more] = pattern.split(/\{(device|resource)\}/);
    if (name === undefined) {
      if (level !== pattern) return undefined;
      continue;
    }
    const value = level.slice(before.length, level.length - after.length);
    const fits = level === before + value + after && validName(value) && (found.get(name) ?? value) === value;
    if (more.length > 0 || !fits) return undefined;
    found.set(name, value);
  }
  return Object.fromEntries(found);
}

/** A bridge's rule: a filter below a prefix on either side, as in mosquitto.conf. A prefix brings its own slash: `site7/weir/`. */
export interface PrefixRule {
  readonly filter: string;
  readonly localPrefix?: string | undefined;
  readonly remotePrefix?: string | undefined;
}

/** What the rule takes, or subscribes to, on this side. */
export function localFilter(rule: PrefixRule): string {
  return (rule.localPrefix ?? "") + rule.filter;
}

/** What the rule takes, or subscribes to, on the far side. */
export function remoteFilter(rule: PrefixRule): string {
  return (rule.remotePrefix ?? "") + rule.filter;
}

/** The far side's name of a local topic, undefined where the rule does not take it. */
export function toRemote(rule: PrefixRule, topic: string): string | undefined {
  return matches(localFilter(rule), topic)
    ? swapPrefix(topic, rule.localPrefix ?? "", rule.remotePrefix ?? "")
    : undefined;
}

/** The local name of a far side's topic, undefined where the rule does not take it. */
export function toLocal(rule: PrefixRule, topic: string): string | undefined {
  return matches(remoteFilter(rule), topic)
    ? swapPrefix(topic, rule.remotePrefix ?? "", rule.localPrefix ?? "")
    : undefined;
}

function swapPrefix(topic: string, from: string, to: string): string | undefined {
  // `weir/#` matches `weir` as well (MQTT 4.7.1.2), which has no `weir/` to strip.
  if (!topic.startsWith(from)) return undefined;
  const swapped = to + topic.slice(from.length);
  return validTopic(swapped) ? swapped : undefined;
}

const LONGEST = 65_535; // bytes: a length is two bytes on the wire (MQTT 1.5.3)

function validText(text: string): boolean {
  if (text === "" || text.length > LONGEST || text.includes("\0") || /\p{Surrogate}/u.test(text)) return false;
  return text.length * 3 <= LONGEST || Buffer.byteLength(text) <= LONGEST;
}

/** A topic one can publish to (MQTT 4.7.3 and 1.5.3): no wildcard, no NUL, no lone surrogate, 1 to 65,535 bytes. */
export function validTopic(topic: string): boolean {
  return validText(topic) && !topic.includes("+") && !topic.includes("#");
}

/** A filter one can subscribe to: `+` fills a whole level, `#` the whole last one (MQTT 4.7.1). */
export function validFilter(filter: string): boolean {
  if (!validText(filter)) return false;
  const levels = filter.split("/");
  return levels.every((level, index) => {
    if (level === "#") return index === levels.length - 1;
    return level === "+" || !(level.includes("+") || level.includes("#"));
  });
}

/** Whether a valid filter takes a valid topic (MQTT 4.7). Allocates nothing: it runs for every message and rule. */
export function matches(filter: string, topic: string): boolean {
  // A wildcard in front does not take the broker's own topics (MQTT-4.7.2-1).
  if (topic[0] === "$" && (filter[0] === "+" || filter[0] === "#")) return false;
  let f = 0;
  let t = 0;
  for (;;) {
    if (filter[f] === "#") return true;
    if (filter[f] === "+") {
      f++;
      while (t < topic.length && topic[t] !== "/") t++;
    } else {
      for (; f < filter.length && filter[f] !== "/"; f++, t++) if (filter[f] !== topic[t]) return false;
      if (t < topic.length && topic[t] !== "/") return false;
    }
    if (f === filter.length) return t === topic.length;
    // `sport/#` takes `sport` itself (MQTT 4.7.1.2)
    if (t === topic.length) return f + 2 === filter.length && filter[f + 1] === "#";
    f++;
    t++;
  }
}
