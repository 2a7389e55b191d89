import { aedes, type Broker, DURABLE, mosquitto, weir } from "./brokers.js";

/** What is read from a run under load, with its unit, as rows name it. */
export type Figure = "messages/s" | "CPU, us a message" | "p50, us" | "p99, us";

/** How much of each; the defaults give a first look, `--full` what can be quoted. */
export interface Sizes {
  /** Runs of each, of which the median counts. */
  readonly rounds: number;
  /** Seconds before what is measured: connections are made, code is compiled. */
  readonly warm: number;
  /** Measured seconds of a saturated run, and of a paced one. */
  readonly saturated: number;
  readonly paced: number;
  /** Idle connections, how often they are measured, and for how many seconds they stay. */
  readonly connections: number;
  readonly idleRounds: number;
  readonly stay: number;
}

interface Common {
  /** What `--only` selects by its beginning. */
  readonly name: string;
  /** The first is Weir, the second the peer of the row. */
  readonly brokers: readonly [Broker, ...Broker[]];
}

/** Brokers under load: a run of mqttload each. */
export interface Loaded extends Common {
  readonly kind: "load";
  readonly title: string;
  readonly mode: "fanin" | "pairs" | "fanout";
  readonly qos: 0 | 1 | 2;
  /** Further options of mqttload. */
  readonly args: readonly (string | number)[];
  /** Messages a second, all publishers together; as many as the windows allow if left out. */
  readonly pace?: number;
  readonly protocol: 4 | 5;
  /** What has a row, and the floor and the goal that it has. */
  readonly figures: readonly { readonly figure: Figure; readonly target?: string }[];
}

/** Connections that only stay. */
export interface Idle extends Common {
  readonly kind: "idle";
  readonly target: string;
}

export type Scenario = Loaded | Idle;

const ALL = [weir(), mosquitto, aedes] as const;
const PUBLISHERS = 50;

const SATURATED = {
  kind: "load",
  mode: "fanin",
  brokers: ALL,
  args: ["-P", PUBLISHERS],
  figures: [{ figure: "messages/s" }, { figure: "CPU, us a message" }],
  protocol: 4,
} as const;

const SHAPES = [
  { name: "fan-in", mode: "fanin", args: ["-P", PUBLISHERS] },
  { name: "pairs", mode: "pairs", args: ["-P", PUBLISHERS] },
  { name: "fan-out", mode: "fanout", args: ["-S", PUBLISHERS] },
] as const;

const QOS = [0, 1, 2] as const;

/** All of them, in the order in which they are measured. */
export const SCENARIOS: readonly Scenario[] = [
  ...SHAPES.flatMap(({ name, mode, args }) =>
    QOS.map((qos): Scenario => {
      const title = `${name} QoS ${qos}`;
      const target =
        mode === "fanin" ? { target: qos === 0 ? "mosquitto x2, goal x3.5" : "mosquitto x2, goal x3" } : {};
      const figures = [{ figure: "messages/s", ...target } as const, { figure: "CPU, us a message" } as const];
      return { ...SATURATED, name: `${name}-${qos}`, title, mode, qos, args, figures };
    }),
  ),
  {
    ...SATURATED,
    name: "many-publishers",
    title: "1,000 publishers QoS 1",
    qos: 1,
    // 20,000 on their way: with the 100 a publisher of the others more than 65,535 would wait for one subscriber, and
    // mosquitto without a bound gives packet ids twice.
    args: ["-P", 1_000, "-w", 20],
    figures: [{ figure: "messages/s", target: "mosquitto x1, goal x1.5" }, { figure: "CPU, us a message" }],
  },
  {
    ...SATURATED,
    name: "paced-10k",
    title: "10,000/s QoS 1",
    qos: 1,
    pace: 10_000,
    figures: [
      { figure: "CPU, us a message", target: "aedes x0.6, goal x0.4" },
      { figure: "p50, us" },
      { figure: "p99, us" },
    ],
  },
  {
    ...SATURATED,
    name: "paced-2k",
    title: "2,000/s QoS 1",
    qos: 1,
    pace: 2_000,
    figures: [
      { figure: "CPU, us a message" },
      { figure: "p50, us" },
      { figure: "p99, us", target: "300 us, goal 200 us" },
    ],
  },
  {
    ...SATURATED,
    name: "durable-fan-in-1",
    title: "fan-in QoS 1, weir durable",
    brokers: [weir(DURABLE), mosquitto],
    qos: 1,
    figures: [{ figure: "messages/s", target: "mosquitto x1.2, goal x2" }, { figure: "CPU, us a message" }],
  },
  {
    ...SATURATED,
    name: "durable-paced-2k",
    title: "2,000/s QoS 1, weir durable",
    brokers: [weir(DURABLE), mosquitto],
    qos: 1,
    pace: 2_000,
    figures: [
      { figure: "CPU, us a message" },
      { figure: "p50, us" },
      { figure: "p99, us", target: "3,000 us, goal 1,000 us" },
    ],
  },
  { ...SATURATED, name: "mqtt5-fan-in-1", title: "fan-in QoS 1, MQTT 5", qos: 1, protocol: 5 },
  {
    kind: "idle",
    name: "idle",
    brokers: ALL,
    target: "15 kB, goal 8 kB",
  },
];

/** Those whose names begin so. */
export function chosen(only = ""): Scenario[] {
  return SCENARIOS.filter(({ name }) => name.startsWith(only));
}

/** The options with which mqttload makes this load, without ports. */
export function optionsOf(scenario: Loaded, sizes: Sizes): (string | number)[] {
  const { pace } = scenario;
  if (pace === undefined) return [...commonOf(scenario), "-t", sizes.saturated, "-W", sizes.warm];
  return [...commonOf(scenario), "-t", sizes.paced, "-W", sizes.warm, "-r", pace];
}

/** The same as fast as it goes, before a paced run: at its pace little is compiled in the time that there is. Or nothing. */
export function warmingOf(scenario: Loaded, sizes: Sizes): (string | number)[] | undefined {
  return scenario.pace === undefined ? undefined : [...commonOf(scenario), "-t", sizes.saturated, "-W", 0];
}

function commonOf({ mode, args, qos, protocol }: Loaded): (string | number)[] {
  return [mode, ...args, "-q", qos, "-s", 64, ...(protocol === 5 ? ["-5"] : [])];
}
