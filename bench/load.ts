import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { locate } from "../test/support/peers.js";

/** From dist/bench: the compiler copies no C. */
const SOURCE = join(import.meta.dirname, "..", "..", "bench", "mqttload.c");

/** What a run of mqttload measured. */
export interface LoadReport {
  /** Deliveries a second while it was measured; with `pub` acknowledged publishes. */
  readonly perSecond: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly received: number;
  /** Deliveries that the publishes of the whole run should have made. */
  readonly expected: number;
  readonly missing: number;
  readonly duplicates: number;
  /** Deliveries before which a later one of the same publisher came. */
  readonly outOfOrder: number;
  /** us from the publish call to the delivery, while it was measured; 0 where nothing is subscribed. */
  readonly latencyUs: { readonly p50: number; readonly p99: number };
  /** Of the processes that were watched, in their order. */
  readonly processes: readonly {
    /** User and system time, us for each delivery. */
    readonly usPerMessage: number;
    /** Of one core. */
    readonly percent: number;
  }[];
  /** Its own, of one core: near 100 the load generator is the limit. */
  readonly ownPercent: number;
}

/** What a run of `mqttload idle` measured. */
export interface IdleReport {
  /** Connections that were accepted. */
  readonly ready: number;
  /** Resident memory that the process gained over the run, in kB of 1024 bytes for each of them. */
  readonly kbPerConnection: number;
}

/** A load generator at work. */
export interface Load {
  /** When it said that this happened (`performance.now()`). Rejects when it ends without having said so. */
  happened(event: "ready" | "published" | "first"): Promise<number>;
  /** The report once it has ended, and when that was. Rejects when it failed. */
  readonly ended: Promise<{ readonly report: LoadReport; readonly at: number }>;
  /** Makes it end and report what it has so far. */
  stop(): void;
}

/** Compiles the load generator into the folder. Rejects with what to install where there is no compiler. */
export async function buildLoad(folder: string): Promise<string> {
  const compiler = locate("gcc");
  if (compiler === undefined)
    throw new Error(
      "this benchmark builds its load generator with gcc, which is missing: apt-get install gcc libc6-dev",
    );
  const program = join(folder, "mqttload");
  const child = spawn(compiler, ["-O2", "-o", program, SOURCE], { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`gcc could not compile ${SOURCE}`);
  return program;
}

/** Runs mqttload; its options are at the head of bench/mqttload.c. */
export function startLoad(program: string, args: readonly (string | number)[]): Load {
  const child = spawn(program, [...args.map(String), "-e"], { stdio: ["ignore", "pipe", "pipe"] });
  const seen = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  let said = "";
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const at = performance.now();
      seen.set(line, at);
      waiting.get(line)?.(at);
    }
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });

  const ended = new Promise<{ report: LoadReport; at: number }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      // 2 is a whole report with something missing in it.
      if (code === 0 || code === 2) resolve({ report: parseReport(printed), at: performance.now() });
      else reject(new Error(`mqttload ${args.join(" ")} ended with ${code ?? signal}\n${said}`));
    });
  });
  // Whoever waits for an event hears of a failure there.
  ended.catch(() => {});

  return {
    happened: (event) =>
      new Promise((resolve, reject) => {
        const at = seen.get(event);
        if (at !== undefined) return resolve(at);
        waiting.set(event, resolve);
        ended.then(() => reject(new Error(`mqttload ${args.join(" ")} ended before "${event}"\n${said}`)), reject);
      }),
    ended,
    stop: () => void child.kill("SIGTERM"),
  };
}

/** A whole run. */
export async function runLoad(program: string, args: readonly (string | number)[]): Promise<LoadReport> {
  return (await startLoad(program, args).ended).report;
}

/** Opens connections that only stay, and watches the process. Rejects when not all are accepted. */
export async function runIdle(
  program: string,
  args: readonly (string | number)[],
  watched: number,
): Promise<IdleReport> {
  const { stdout } = await promisify(execFile)(program, [...args.map(String), "-c", String(watched)]);
  return parseIdle(stdout);
}

/** The report as mqttload prints it. Throws when a number is missing: then program and reader are not of one version. */
export function parseReport(text: string): LoadReport {
  const json: unknown = JSON.parse(text);
  const processes = list(json, "cpu");
  return {
    perSecond: number(json, "recv/s"),
    sent: number(json, "sent"),
    acknowledged: number(json, "acked"),
    received: number(json, "recv"),
    expected: number(json, "expected"),
    missing: number(json, "missing"),
    duplicates: number(json, "dup"),
    outOfOrder: number(json, "ooo"),
    latencyUs: { p50: number(field(json, "lat_us"), "p50"), p99: number(field(json, "lat_us"), "p99") },
    processes: processes.map((each) => ({
      usPerMessage: number(each, "us_per_msg"),
      percent: number(each, "pct"),
    })),
    ownPercent: number(json, "gen_cpu_pct"),
  };
}

/** The report of `mqttload idle -c PID`. */
export function parseIdle(text: string): IdleReport {
  const json: unknown = JSON.parse(text);
  return { ready: number(json, "ready"), kbPerConnection: number(list(json, "cpu")[0], "kb_per_conn") };
}

function list(json: unknown, key: string): unknown[] {
  const value = field(json, key);
  if (!Array.isArray(value)) throw new Error(`the report of mqttload has no list ${key}`);
  return value;
}

function number(json: unknown, key: string): number {
  const value = field(json, key);
  if (typeof value !== "number") throw new Error(`the report of mqttload has no number ${key}`);
  return value;
}

function field(json: unknown, key: string): unknown {
  return typeof json === "object" && json !== null && Object.hasOwn(json, key)
    ? (json as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
