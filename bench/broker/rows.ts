import type { IdleReport, LoadReport } from "../load.js";
import { comparison, median, type Row } from "../report.js";
import type { Series } from "./rounds.js";
import type { Figure, Idle, Loaded } from "./scenarios.js";

/** Percent of a core from which on a process is the limit of what gets through. */
const BUSY = 90;
/** Part of the pace that must have been kept. */
const KEPT = 0.98;

/** Percent of a core that others may take from what is measured and from its load. */
const SHARED = 10;

/** A run, and what of the cores neither the broker nor the load generator used, in percent of one core. */
export interface Run extends LoadReport {
  readonly othersPercent: number;
}

const FIGURES: Readonly<Record<Figure, (report: LoadReport) => number>> = {
  "messages/s": (report) => report.perSecond,
  "CPU, us a message": (report) => report.processes[0]?.usPerMessage ?? Number.NaN,
  "p50, us": (report) => report.latencyUs.p50,
  "p99, us": (report) => report.latencyUs.p99,
};

/** The rows of brokers under load. None when Weir was not measured. */
export function loadRows(scenario: Loaded, series: readonly Series<Run>[]): Row[] {
  const remarks = series
    .map(({ broker, results }) => remarkOn(scenario, broker, results))
    .filter((each) => each !== "");
  return scenario.figures.flatMap(({ figure, target }) =>
    compared(`${scenario.title}, ${figure}`, series, FIGURES[figure], target, remarks.join("; ")),
  );
}

/** The row of connections that only stay. */
export function idleRows({ target }: Idle, connections: number, series: readonly Series<IdleReport>[]): Row[] {
  return compared(`${connections} idle, RSS a connection, kB`, series, (report) => report.kbPerConnection, target);
}

function compared<Result>(
  name: string,
  series: readonly Series<Result>[],
  figure: (result: Result) => number,
  target?: string,
  remarks?: string,
): Row[] {
  const values = series.map(({ broker, results }) => ({ name: broker, values: results.map(figure) }));
  const weir = values.find((each) => each.name === "weir");
  if (weir === undefined) return [];
  const peers = values.filter((each) => each !== weir);
  return [comparison(name, weir.values, peers, target, remarks)];
}

/** What speaks against the numbers of a broker: "weir: LOST 3, not saturated (60 %)". Empty when nothing does. */
function remarkOn(scenario: Loaded, broker: string, reports: readonly Run[]): string {
  const sum = (pick: (report: Run) => number): number => reports.reduce((all, each) => all + pick(each), 0);
  const remarks: string[] = [];
  const missing = sum((each) => each.missing);
  if (missing > 0 && scenario.qos > 0) remarks.push(`LOST ${missing}`);
  if (missing > 0 && scenario.qos === 0)
    remarks.push(`delivered ${((1 - missing / sum((each) => each.expected)) * 100).toFixed(2)} %`);
  const twice = sum((each) => each.duplicates);
  if (twice > 0) remarks.push(`${twice} TWICE`);
  const late = sum((each) => each.outOfOrder);
  if (late > 0) remarks.push(`${late} OUT OF ORDER`);
  const open = sum((each) => each.sent - each.acknowledged);
  if (open > 0 && scenario.qos > 0) remarks.push(`${open} NOT ACKNOWLEDGED`);
  const middle = (pick: (report: Run) => number): number => Math.round(median(reports.map(pick)));
  const [busy, own] = [middle((each) => each.processes[0]?.percent ?? 0), middle((each) => each.ownPercent)];
  // A generator that is as busy as its broker may wait for it in short naps: then the broker is the limit.
  if (busy < BUSY && own >= BUSY) remarks.push(`the load generator is the limit (${own} %)`);
  if (busy < BUSY && own < BUSY && scenario.pace === undefined) remarks.push(`not saturated (${busy} %)`);
  const rate = middle((each) => each.perSecond);
  if (scenario.pace !== undefined && rate < scenario.pace * KEPT) remarks.push(`only ${rate}/s`);
  const others = middle((each) => each.othersPercent);
  if (others > SHARED) remarks.push(`others took ${others} % of a core`);
  return remarks.length === 0 ? "" : `${broker}: ${remarks.join(", ")}`;
}

/** A run, for those who watch. */
export function described(report: Run): string {
  const { perSecond, processes, ownPercent, othersPercent, missing, duplicates, latencyUs } = report;
  const odd = missing + duplicates === 0 ? "" : `; ${missing} missing, ${duplicates} twice`;
  const busy = `broker ${processes[0]?.percent ?? "?"} %, load ${ownPercent} %, others ${othersPercent} %`;
  return `${Math.round(perSecond)}/s; p50 ${latencyUs.p50} us, p99 ${latencyUs.p99} us; ${busy}${odd}`;
}
