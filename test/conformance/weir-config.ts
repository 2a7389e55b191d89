import type { Conf } from "./mosquitto-conf.js";

/**
 * The one place that says how Weir is configured for the suites: what a suite takes for granted, and which of mosquitto's
 * options have an equivalent. A test of mosquitto's that sets another option is left out, with that option as the reason.
 */

export type SuiteName = "eclipse-3.1.1" | "eclipse-5" | "mosquitto";

type Settings = Readonly<Record<string, unknown>>;

/** What each suite takes for granted of a broker that it does not configure: keys below `broker`. */
const ASSUMED: Readonly<Record<SuiteName, Settings>> = {
  "eclipse-3.1.1": {},
  "eclipse-5": {},
  mosquitto: {},
};

/** Keys below `broker` that mean what the option means with this value; undefined: there are none. */
type Equivalent = (value: string) => Settings | undefined;

const nothing: Equivalent = () => ({});

const EQUIVALENTS: ReadonlyMap<string, Equivalent> = new Map([
  ["allow_anonymous", (value: string) => (value === "true" ? {} : undefined)],
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
    else broker = { ...broker, ...settings };
  }
  return { text: `${JSON.stringify({ gateway: { id: "conformance", state }, broker })}\n`, refused };
}
