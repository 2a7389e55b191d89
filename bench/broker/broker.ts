import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pid } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { locate } from "../../test/support/peers.js";
import { type Cores, chooseCores } from "../cores.js";
import { buildLoad, type LoadReport, runIdle, runLoad } from "../load.js";
import { busySeconds, childrenSeconds, processorSeconds } from "../processor.js";
import type { Bench, Row } from "../report.js";
import type { Broker, Running, Setup } from "./brokers.js";
import { inRounds, withBroker } from "./rounds.js";
import { described, idleRows, loadRows, type Run } from "./rows.js";
import { chosen, type Idle, type Loaded, optionsOf, SCENARIOS, type Sizes, warmingOf } from "./scenarios.js";

const QUICK: Sizes = {
  rounds: 2,
  warm: 0.75,
  saturated: 1,
  paced: 3,
  connections: 2_000,
  idleRounds: 1,
  stay: 2,
};
const FULL: Sizes = { rounds: 5, warm: 2, saturated: 4, paced: 10, connections: 10_000, idleRounds: 3, stay: 5 };

/** Connections that come and go before any are counted: what the first of all cost is not what each costs. */
const FIRST = 200;
/** ms from those to the ones that count. */
const SETTLE_MS = 2_000;
/** Open files that a broker needs beside its connections. */
const SPARE_FILES = 500;

/** Brokers side by side, each on a core of its own. docs/benchmarks.md says what the rows mean. */
export const broker: Bench = {
  about: "throughput, CPU, latency and memory of the broker; peers: mosquitto, and aedes alone",
  parts: SCENARIOS.map(({ name }) => name),
  async run(say, { full, only }) {
    const mosquitto = locate("mosquitto");
    if (mosquitto === undefined)
      throw new Error("mosquitto is the peer of this benchmark, and is missing: npm run setup:peers");
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
    try {
      const cores = await chooseCores();
      say(cores.about);
      const setup = { folder, mosquitto, mqttload: await buildLoad(folder), cores, say };
      const sizes = full ? FULL : QUICK;
      const rows: Row[] = [];
      for (const scenario of chosen(only))
        rows.push(
          ...(scenario.kind === "idle" ? await idle(setup, scenario, sizes) : await load(setup, scenario, sizes)),
        );
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function load(setup: Setup, scenario: Loaded, sizes: Sizes): Promise<Row[]> {
  const brokers = scenario.protocol === 4 ? scenario.brokers : await thatSpeak5(setup, scenario.brokers);
  if (brokers[0] !== scenario.brokers[0]) return [];
  const [options, warming] = [optionsOf(scenario, sizes), warmingOf(scenario, sizes)];
  const series = await inRounds(setup, brokers, sizes.rounds, async ({ name }, subject, round) => {
    if (warming !== undefined) await runLoad(...generator(setup, [...warming, "-p", subject.port]));
    const report = await watched(setup.cores, subject, () =>
      runLoad(...generator(setup, [...options, "-p", subject.port, "-c", subject.pid])),
    );
    // Otherwise its rate would be that of a broker that was not there.
    if ((subject.process.exitCode ?? subject.process.signalCode) !== null)
      throw new Error(`it ended in ${scenario.name}`);
    setup.say(`${scenario.name}, ${name}, run ${round}: ${described(report)}`);
    return report;
  });
  return loadRows(scenario, series);
}

/** The run, with what else was done on its cores meanwhile: a rate or a latency does not tell by itself that it was disturbed. */
async function watched(cores: Cores, { pid: broker }: Running, run: () => Promise<LoadReport>): Promise<Run> {
  // The load generator is a child, and counts when it has ended.
  const ours = async (): Promise<number> =>
    (await processorSeconds(broker)) + (await processorSeconds(pid)) + (await childrenSeconds(pid));
  const before = { at: performance.now(), busy: await busySeconds(cores.used), ours: await ours() };
  const report = await run();
  const others = (await busySeconds(cores.used)) - before.busy - ((await ours()) - before.ours);
  const seconds = (performance.now() - before.at) / 1_000;
  // Both clocks have steps of 10 ms: the difference may be just below none.
  return { ...report, othersPercent: Math.max(0, Math.round((others / seconds) * 100)) };
}

async function idle(setup: Setup, scenario: Idle, sizes: Sizes): Promise<Row[]> {
  const connections = Math.min(sizes.connections, (await openFiles()) - SPARE_FILES);
  const series = await inRounds(setup, scenario.brokers, sizes.idleRounds, async ({ name }, subject, round) => {
    const stay = (count: number, seconds: number): ReturnType<typeof runIdle> =>
      runIdle(...generator(setup, ["idle", "-p", subject.port, "-P", count, "-t", seconds]), subject.pid);
    await stay(FIRST, 0.5);
    await delay(SETTLE_MS);
    const report = await stay(connections, sizes.stay);
    setup.say(`${scenario.name}, ${name}, run ${round}: ${report.kbPerConnection} kB for each of ${report.ready}`);
    return report;
  });
  return idleRows(scenario, connections, series);
}

/** Those that take one message in MQTT 5. Why another one does not is said: it may be no matter of the version. */
async function thatSpeak5(setup: Setup, brokers: readonly Broker[]): Promise<Broker[]> {
  const speaking: Broker[] = [];
  for (const each of brokers)
    await withBroker(setup, each, ({ port }) =>
      runLoad(...generator(setup, ["pub", "-5", "-P", 1, "-q", 1, "-n", 1, "-p", port])),
    ).then(
      () => speaking.push(each),
      (error: unknown) => setup.say(`no MQTT 5: ${error instanceof Error ? error.message.trim() : error}`),
    );
  return speaking;
}

/** The load generator with these arguments, on its core. */
function generator(setup: Setup, args: readonly (string | number)[]): [program: string, args: string[]] {
  const [program, ...rest] = setup.cores.load([setup.mqttload, ...args.map(String)]);
  return [program, rest];
}

/** How many a process may have open: the most that it may allow itself (getrlimit(2)), which Node and its children have. */
async function openFiles(): Promise<number> {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(await readFile("/proc/self/limits", "utf8"))?.[1];
  return hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
}
