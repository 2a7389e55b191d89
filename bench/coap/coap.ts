import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate } from "../../test/support/peers.js";
import { rotated } from "../broker/rounds.js";
import { type Cores, chooseCores } from "../cores.js";
import { type Bench, comparison, median, type Row } from "../report.js";
import { buildLoad, type CoapReport, parseReport, runLoad } from "./load.js";
import { libcoap, npm, type Running, type Server, weir, withServer } from "./servers.js";

interface Sizes {
  /** Runs of each, of which the median counts. */
  readonly rounds: number;
  readonly warm: number;
  readonly measured: number;
  /** Of the run after which memory is looked at. */
  readonly requests: number;
  readonly observations: number;
}

const QUICK: Sizes = { rounds: 2, warm: 1, measured: 2, requests: 200_000, observations: 5_000 };
const FULL: Sizes = { rounds: 5, warm: 2, measured: 5, requests: 1_000_000, observations: 10_000 };

/** Observations before any are counted: what the first of all cost is not what each costs. */
const FIRST = 500;
/** Percent of a core from which on a process is the limit of what gets through. */
const BUSY = 90;

interface Setup {
  readonly servers: readonly Server[];
  readonly coapload: string;
  readonly cores: Cores;
  readonly sizes: Sizes;
  readonly say: (line: string) => void;
}

type Measure = (setup: Setup, server: Server, running: Running) => Promise<CoapReport>;

interface Part {
  readonly name: string;
  rows(setup: Setup): Promise<Row[]>;
}

const PARTS: readonly Part[] = [
  { name: "one", rows: (setup) => posting(setup, 1, "") },
  { name: "fifty", rows: (setup) => posting(setup, 50, "npm coap x1.5, goal x3") },
  { name: "memory", rows: memory },
  { name: "observe", rows: observing },
];

/** CoAP servers side by side, each on a core of its own. */
export const coap: Bench = {
  about: "CoAP requests/s, CPU, latency and memory of the library; peers: npm coap, and libcoap's server",
  parts: PARTS.map(({ name }) => name),
  async run(say, { full, only = "" }) {
    const program = locate("coap-server-notls");
    if (program === undefined) say("libcoap's server is missing, and is not measured: npm run setup:peers");
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
    try {
      const cores = await chooseCores();
      say(cores.about);
      const coapload = await buildLoad(folder, "coapload");
      const servers = [weir, npm, ...(program === undefined ? [] : [libcoap(program)])];
      const setup = { servers, coapload, cores, sizes: full ? FULL : QUICK, say };
      const rows: Row[] = [];
      for (const part of PARTS) if (part.name.startsWith(only)) rows.push(...(await part.rows(setup)));
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Confirmable requests with a reading, one open at a time for each client. */
async function posting(setup: Setup, clients: number, target: string): Promise<Row[]> {
  const { warm, measured } = setup.sizes;
  const reports = await inRounds(setup, `${clients} clients`, (_, server, running) =>
    load(setup, running, ["request", "-P", clients, "-W", warm, "-t", measured, ...bodyTo(server)]),
  );
  const remarks = remarksOn(reports);
  const title = `CON POST, ${clients === 1 ? "1 client" : `${clients} clients`}`;
  return [
    compared(`${title}, requests/s`, reports, ({ perSecond }) => perSecond, target, remarks),
    compared(`${title}, p50, us`, reports, ({ latencyUs }) => latencyUs.p50),
    compared(`${title}, p99, us`, reports, ({ latencyUs }) => latencyUs.p99),
    compared(`${title}, CPU, us a request`, reports, ({ usPerRequest }) => usPerRequest),
  ];
}

/** What a server holds after so many requests of ever new message ids and ports. */
async function memory(setup: Setup): Promise<Row[]> {
  const { requests } = setup.sizes;
  const reports = await inRounds({ ...setup, sizes: { ...setup.sizes, rounds: 1 } }, "memory", (_, server, running) =>
    load(setup, running, ["request", "-P", 50, "-n", requests, ...bodyTo(server)]),
  );
  const target = requests === FULL.requests ? "150 MB, goal 100" : "";
  return [compared(`RSS after ${requests} requests, MB`, reports, ({ residentMb }) => residentMb, target)];
}

async function observing(setup: Setup): Promise<Row[]> {
  const { observations } = setup.sizes;
  const reports = await inRounds(
    { ...setup, sizes: { ...setup.sizes, rounds: 1 } },
    "observe",
    async (_, server, running) => {
      const observe = (count: number): Promise<CoapReport> =>
        load(setup, running, ["observe", "-P", count, "-t", 1, "-u", server.observable]);
      await observe(FIRST);
      return observe(observations);
    },
  );
  return [compared(`${observations} observers, bytes of RSS each`, reports, (report) => report.bytesPerObservation)];
}

function bodyTo({ takes }: Server): (string | number)[] {
  return ["-m", takes.method, "-u", takes.path];
}

async function load({ coapload, cores }: Setup, { port, pid }: Running, args: readonly (string | number)[]) {
  return parseReport(await runLoad(cores.load([coapload, ...args.map(String), "-p", String(port), "-c", String(pid)])));
}

interface Series {
  readonly server: string;
  readonly reports: CoapReport[];
}

/** Each server so often, one at a time and each run with a process of its own; who comes first changes from round to round. */
async function inRounds(setup: Setup, title: string, measure: Measure): Promise<readonly Series[]> {
  const series = setup.servers.map(({ name }): Series => ({ server: name, reports: [] }));
  for (let round = 0; round < setup.sizes.rounds; round++)
    for (const server of rotated(setup.servers, round)) {
      const report = await withServer(server, setup.cores, (running) => measure(setup, server, running));
      setup.say(`${title}, ${server.name}, run ${round + 1}: ${described(report)}`);
      series[setup.servers.indexOf(server)]?.reports.push(report);
    }
  return series;
}

function compared(
  name: string,
  series: readonly Series[],
  figure: (report: CoapReport) => number,
  target = "",
  remarks = "",
): Row {
  const [ours, ...peers] = series.map(({ server, reports }) => ({ name: server, values: reports.map(figure) }));
  return comparison(name, ours?.values ?? [], peers, target, remarks);
}

/** What speaks against the numbers. Empty when nothing does. */
function remarksOn(series: readonly Series[]): string {
  return series
    .map(({ server, reports }) => {
      const sum = (pick: (report: CoapReport) => number): number => reports.reduce((all, each) => all + pick(each), 0);
      const middle = (pick: (report: CoapReport) => number): number => Math.round(median(reports.map(pick)));
      const remarks: string[] = [];
      if (sum(({ failed }) => failed) > 0) remarks.push(`${sum(({ failed }) => failed)} FAILED`);
      if (sum(({ refused }) => refused) > 0) remarks.push(`${sum(({ refused }) => refused)} REFUSED`);
      if (sum(({ retransmitted }) => retransmitted) > 0)
        remarks.push(`${sum((each) => each.retransmitted)} sent again`);
      const own = middle(({ ownPercent }) => ownPercent);
      if (own >= BUSY && middle(({ percent }) => percent) < BUSY)
        remarks.push(`the load generator is the limit (${own} %)`);
      return remarks.length === 0 ? "" : `${server}: ${remarks.join(", ")}`;
    })
    .filter((each) => each !== "")
    .join("; ");
}

function described(report: CoapReport): string {
  const { perSecond, latencyUs, percent, ownPercent, residentMb } = report;
  return `${Math.round(perSecond)}/s; p50 ${latencyUs.p50} us, p99 ${latencyUs.p99} us; server ${percent} %, load ${ownPercent} %; ${Math.round(residentMb)} MB`;
}
