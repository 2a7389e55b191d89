import { type LoadReport, runLoad } from "../load.js";
import { type Row, row } from "../report.js";
import { freePort } from "../subject.js";
import {
  type Contestant,
  mosquittoBridge,
  type Running,
  type Setup,
  settings,
  startMosquitto,
  weir,
} from "./subjects.js";

export interface ThroughputSizes {
  /** Measured seconds of a saturated run, and of a paced one. */
  readonly saturated: number;
  readonly paced: number;
  /** Runs of each, of which the median counts. */
  readonly runs: number;
}

const PUBLISHERS = 50;
/** Messages a second of the paced runs, all publishers together. */
const PACE = 2000;
/** Seconds before what is measured: connections are made, code is compiled. */
const WARM = 1;
/** Seconds that stragglers have to arrive, so that they are not counted in the next run. */
const PATIENCE = 15;

interface Opened {
  readonly contestant: Contestant;
  readonly subject: Running;
}

/** How much gets through, and what a message costs. All subjects stay up; runs take turns. */
export async function throughput(setup: Setup, sizes: ThroughputSizes): Promise<Row[]> {
  const port = await freePort();
  const upstream = await startMosquitto(setup, port, settings(port, 0));
  const stops: (() => Promise<void>)[] = [upstream.stop];
  const open = async (contestant: Contestant): Promise<Opened> => {
    const subject = await contestant.start(port);
    stops.unshift(subject.stop);
    return { contestant, subject };
  };
  try {
    const commit = await open(weir(setup, "commit"));
    // In MQTT 3.1.1 a bridge of ours has 19 QoS 2 messages in flight at most (decision 0005): 5 has the upstream's own bound.
    const commit5 = await open(weir(setup, "commit", { protocol: 5 }));
    const none = await open(weir(setup, "none"));
    const memory = await open(mosquittoBridge(setup, { persistence: false, inflight: 0 }));
    const persistent = await open(mosquittoBridge(setup, { persistence: true, inflight: 0 }));
    const measure = (
      who: readonly Opened[],
      args: readonly (string | number)[],
      what: string,
    ): Promise<LoadReport[][]> => inTurns(setup, upstream, who, args, sizes.runs, what);
    const rows: Row[] = [];

    for (const qos of [0, 1, 2]) {
      const saturated = ["-q", qos, "-t", sizes.saturated];
      // The ceiling of all that follows: the same load without a bridge.
      const alone = await runLoad(setup.mqttload, ["fanin", "-p", port, ...COMMON, ...saturated, "-c", upstream.pid]);
      setup.say(`QoS ${qos}, upstream alone: ${described(alone, ["upstream"])}`);
      const [ours = [], theirs = []] = await measure([commit, memory], saturated, `QoS ${qos}`);
      rows.push(row(`QoS ${qos} commit; peer in memory, messages/s`, rates(ours), rates(theirs)));
      if (qos === 2) {
        const [five = []] = await measure([commit5], saturated, `QoS ${qos}, MQTT 5`);
        rows.push(row(`QoS ${qos} commit, MQTT 5; peer in memory, messages/s`, rates(five), rates(theirs)));
      }
      if (qos !== 1) continue;
      const [loose = [], kept = []] = await measure([none, persistent], saturated, `QoS ${qos}`);
      rows.push(row(`QoS ${qos} none; peer in memory, messages/s`, rates(loose), rates(theirs)));
      rows.push(row(`QoS ${qos} commit; peer persistent, messages/s`, rates(ours), rates(kept)));
    }

    const paced = ["-q", 1, "-r", PACE, "-t", sizes.paced];
    const [ours = [], loose = [], theirs = []] = await measure([commit, none, memory], paced, `${PACE}/s`);
    rows.push(row(`CPU at ${PACE}/s, QoS 1, commit; peer in memory, us a message`, costs(ours), costs(theirs)));
    rows.push(row(`CPU at ${PACE}/s, QoS 1, none; peer in memory, us a message`, costs(loose), costs(theirs)));
    return rows;
  } finally {
    for (const stop of stops) await stop();
  }
}

const COMMON = ["-P", PUBLISHERS, "-W", WARM, "-d", PATIENCE];

/** The reports of each, a list a contestant. */
async function inTurns(
  setup: Setup,
  upstream: Running,
  who: readonly Opened[],
  args: readonly (string | number)[],
  runs: number,
  what: string,
): Promise<LoadReport[][]> {
  const reports = who.map((): LoadReport[] => []);
  for (let run = 1; run <= runs; run += 1)
    for (const [index, { contestant, subject }] of who.entries()) {
      const ports = ["-p", subject.port, "-b", upstream.port];
      const watched = ["-c", subject.pid, "-c", upstream.pid];
      const report = await runLoad(setup.mqttload, ["fanin", ...ports, ...COMMON, ...args, ...watched]);
      // Otherwise its rate would be a row of a bridge that was not there.
      if ((subject.process.exitCode ?? subject.process.signalCode) !== null)
        throw new Error(`${contestant.name} ended in ${what}\n${subject.said()}`);
      setup.say(`${what}, ${contestant.name}, run ${run}: ${described(report, ["bridge", "upstream"])}`);
      reports[index]?.push(report);
    }
  return reports;
}

/** With who was busy: whoever is near 100 % of a core was the limit, or all together where there are no more cores. */
function described(report: LoadReport, names: readonly string[]): string {
  const busy = names.map((name, index) => `${name} ${report.processes[index]?.percent ?? "?"} %`);
  const odd = report.missing + report.duplicates === 0 ? "" : `; ${report.missing} missing, ${report.duplicates} twice`;
  return `${Math.round(report.perSecond)}/s; ${[...busy, `load ${report.ownPercent} %`].join(", ")}${odd}`;
}

function rates(reports: readonly LoadReport[]): number[] {
  return reports.map((each) => each.perSecond);
}

/** Of the bridge's process alone. */
function costs(reports: readonly LoadReport[]): number[] {
  return reports.map((each) => each.processes[0]?.usPerMessage ?? Number.NaN);
}
