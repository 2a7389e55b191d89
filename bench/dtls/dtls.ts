import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate } from "../../test/support/peers.js";
import { rotated } from "../broker/rounds.js";
import { buildLoad, field, number, runLoad } from "../coap/load.js";
import { withServer } from "../coap/servers.js";
import { type Cores, chooseCores } from "../cores.js";
import { type Bench, comparison, type Row } from "../report.js";
import { type DtlsServer, IDENTITY, KEY, libcoap, makeCertificate, weir } from "./servers.js";

interface Sizes {
  /** Runs of each, of which the median counts. */
  readonly rounds: number;
  readonly warm: number;
  readonly measured: number;
  readonly sessions: number;
}

const QUICK: Sizes = { rounds: 2, warm: 1, measured: 2, sessions: 2_000 };
const FULL: Sizes = { rounds: 5, warm: 2, measured: 5, sessions: 10_000 };
/** Sessions before any are counted: what the first of all cost is not what each costs. */
const FIRST = 200;

/** What a run of dtlsload measured. */
interface Report {
  readonly perSecond: number;
  readonly failed: number;
  readonly retransmitted: number;
  readonly p99Us: number;
  /** Of the server, for each handshake or request. */
  readonly usEach: number;
  readonly percent: number;
  readonly bytesPerSession: number;
  readonly ownPercent: number;
}

interface Part {
  readonly name: string;
  readonly title: string;
  readonly what: "handshakes" | "requests" | "sessions";
  readonly args: readonly (string | number)[];
  /** Who can do it. */
  readonly can: (server: DtlsServer) => boolean;
  readonly target?: string;
}

const ALL = (): boolean => true;
const PARTS: readonly Part[] = [
  {
    name: "psk",
    title: "PSK_WITH_AES_128_CCM_8, full",
    what: "handshakes",
    args: ["handshake", "-C", "PSK-AES128-CCM8"],
    can: ALL,
    target: "0.5 ms each, goal 0.33",
  },
  {
    name: "resume",
    title: "PSK_WITH_AES_128_CCM_8, resumed",
    what: "handshakes",
    args: ["resume", "-C", "PSK-AES128-CCM8"],
    can: ALL,
  },
  {
    name: "ecdsa",
    title: "ECDHE_ECDSA_WITH_AES_128_CCM_8, full",
    what: "handshakes",
    args: ["handshake", "-C", "ECDHE-ECDSA-AES128-CCM8"],
    can: ({ certificate }) => certificate,
  },
  { name: "request", title: "CON POST over DTLS, 50 clients", what: "requests", args: ["request", "-P", 50], can: ALL },
  { name: "session", title: "open sessions", what: "sessions", args: ["hold", "-t", 1], can: ({ keeps }) => keeps },
];

interface Setup {
  readonly servers: readonly DtlsServer[];
  readonly dtlsload: string;
  readonly cores: Cores;
  readonly sizes: Sizes;
  readonly say: (line: string) => void;
}

/** DTLS servers side by side, each on a core of its own. */
export const dtls: Bench = {
  about:
    "DTLS handshakes/s, CoAP requests/s over it, CPU, and memory of a session; peer: libcoap's server over OpenSSL",
  parts: PARTS.map(({ name }) => name),
  async run(say, { full, only = "" }) {
    const program = locate("coap-server-openssl");
    if (program === undefined) say("libcoap's server is missing, and is not measured: npm run setup:peers");
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
    try {
      const cores = await chooseCores();
      say(cores.about);
      const dtlsload = await buildLoad(folder, "dtlsload", ["ssl", "crypto"]);
      const servers = [weir(await makeCertificate(folder)), ...(program === undefined ? [] : [libcoap(program)])];
      const setup = { servers, dtlsload, cores, sizes: full ? FULL : QUICK, say };
      const rows: Row[] = [];
      for (const part of PARTS) if (part.name.startsWith(only)) rows.push(...(await measured(setup, part)));
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Each server so often, one at a time and each run with a process of its own. */
async function measured(setup: Setup, part: Part): Promise<Row[]> {
  const servers = setup.servers.filter(part.can);
  const series = servers.map(({ name }) => ({ name, reports: [] as Report[] }));
  for (let round = 0; round < (part.what === "sessions" ? 1 : setup.sizes.rounds); round++)
    for (const server of rotated(servers, round)) {
      const report = await withServer(server, setup.cores, (running) => load(setup, part, server, running));
      setup.say(`${part.title}, ${server.name}, run ${round + 1}: ${described(report)}`);
      series[servers.indexOf(server)]?.reports.push(report);
    }
  const remarks = series
    .flatMap(({ name, reports }) => {
      const failed = reports.reduce((sum, each) => sum + each.failed, 0);
      return failed === 0 ? [] : [`${name}: ${failed} FAILED`];
    })
    .join("; ");
  const row = (name: string, figure: (report: Report) => number, target = ""): Row => {
    const [ours, ...peers] = series.map((one) => ({ name: one.name, values: one.reports.map(figure) }));
    return comparison(`${part.title}, ${name}`, ours?.values ?? [], peers, target, remarks);
  };
  if (part.what === "sessions") return [row("bytes of RSS each", ({ bytesPerSession }) => bytesPerSession)];
  const each = part.what === "handshakes" ? "handshake" : "request";
  return [
    row(`${part.what}/s`, ({ perSecond }) => perSecond),
    row("p99, us", ({ p99Us }) => p99Us),
    row(`CPU, us a ${each}`, ({ usEach }) => usEach, part.target),
  ];
}

async function load(
  { dtlsload, cores, sizes }: Setup,
  part: Part,
  server: DtlsServer,
  running: { readonly port: number; readonly pid: number },
): Promise<Report> {
  const { method, path } = server.takes;
  const to = ["-p", running.port + 1, "-c", running.pid, "-i", IDENTITY, "-k", KEY];
  const run = async (...args: readonly (string | number)[]): Promise<Report> =>
    parseReport(await runLoad(cores.load([dtlsload, ...[...args, ...to].map(String)])));
  if (part.what === "sessions") {
    await run(...part.args, "-P", FIRST);
    return run(...part.args, "-P", sizes.sessions);
  }
  return run(...part.args, "-W", sizes.warm, "-t", sizes.measured, "-m", method, "-u", path);
}

/** The report as dtlsload prints it. Throws when a number is missing: then program and reader are not of one version. */
function parseReport(json: unknown): Report {
  const cpu = field(json, "cpu");
  return {
    perSecond: number(json, "per_s"),
    failed: number(json, "failed"),
    retransmitted: number(json, "again"),
    p99Us: number(field(json, "lat_us"), "p99"),
    usEach: number(cpu, "us_each"),
    percent: number(cpu, "pct"),
    bytesPerSession: number(cpu, "bytes_per_session"),
    ownPercent: number(json, "gen_busy_pct"),
  };
}

function described({ perSecond, p99Us, usEach, percent, ownPercent, retransmitted }: Report): string {
  const again = retransmitted === 0 ? "" : `; ${retransmitted} sent again`;
  return `${Math.round(perSecond)}/s, ${usEach} us each, p99 ${p99Us} us; server ${percent} %, load ${ownPercent} %${again}`;
}
