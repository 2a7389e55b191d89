import { resolve } from "node:path";
import type { Conf } from "./mosquitto-conf.js";

/**
 * The one place that says how Weir is configured for the suites: what a suite takes for granted, and which of mosquitto's
 * options have an equivalent. A test of mosquitto's that sets another option is left out, with that option as the reason.
 */

export type SuiteName = "eclipse-3.1.1" | "eclipse-5" | "mosquitto";

type Settings = Readonly<Record<string, unknown>>;

/**
 * What Weir says of itself is retained and matches `#`, which the suites subscribe to and expect nothing from. One test of
 * Eclipse's wants a filter refused.
 */
const HIDDEN: Settings = {
  rules: [{ deny: "subscribe", topics: ["weir/#", "test/nosubscribe"] }],
  default: "allow",
};

/** mosquitto's numbers, which its tests compare byte by byte with those in CONNACK. */
const NUMBERS: Settings = { topicAliases: 10, receiveMaximum: 20, packetSize: "256MiB", topicLevels: 201 };

/** What each suite takes for granted of a broker that it does not configure: keys below `broker`. */
const ASSUMED: Readonly<Record<SuiteName, Settings>> = {
  "eclipse-3.1.1": { acl: HIDDEN },
  "eclipse-5": { acl: HIDDEN, limits: { ...NUMBERS, keepAlive: "60s" } },
  mosquitto: { acl: HIDDEN, limits: NUMBERS },
};

/** Keys below `broker` that mean what the option means with this value; undefined: there are none. */
type Equivalent = (value: string) => Settings | undefined;

const nothing: Equivalent = () => ({});

const limit = (name: string, of: (value: string) => unknown = Number): Equivalent => {
  return (value) => ({ limits: { [name]: of(value) } });
};

const EQUIVALENTS: ReadonlyMap<string, Equivalent> = new Map([
  ["allow_anonymous", (value: string) => ({ anonymous: value === "true" })],
  ["password_file", (value: string) => ({ users: resolve(value) })],
  // In place of the rules that hide what Weir says of itself.
  ["acl_file", (value: string) => ({ acl: undefined, aclFile: resolve(value) })],
  ["max_connections", limit("connections")],
  ["max_keepalive", limit("keepAlive", (value) => `${value}s`)],
  ["max_packet_size", limit("packetSize", (value) => `${value}B`)],
  [
    "max_inflight_messages",
    (value: string) => ({ limits: { receiveMaximum: Number(value), inFlight: Number(value) } }),
  ],
  // Where its state is kept is the business of whoever starts it.
  ["persistence", nothing],
  ["persistence_file", nothing],
  // Matters only where a listener has settings of its own, and those have no equivalent.
  ["per_listener_settings", nothing],
  ["log_type", nothing],
]);

export interface Configured {
  /** YAML; JSON is. */
  readonly text: string;
  /** Options without an equivalent. */
  readonly refused: readonly string[];
}

export function configureWeir(suite: SuiteName, state: string, { ports, options }: Conf): Configured {
  let broker: Settings = { listeners: ports.map((port) => `tcp://127.0.0.1:${port}`), ...ASSUMED[suite] };
  const refused: string[] = [];
  for (const [option, value] of options) {
    const settings = EQUIVALENTS.get(option)?.(value);
    if (settings === undefined) refused.push(`${option} ${value}`);
    else broker = { ...broker, ...settings, limits: { ...limitsOf(broker), ...limitsOf(settings) } };
  }
  return { text: `${JSON.stringify({ gateway: { id: "conformance", state }, broker })}\n`, refused };
}

function limitsOf({ limits }: Settings): Settings {
  return typeof limits === "object" && limits !== null ? { ...limits } : {};
}
