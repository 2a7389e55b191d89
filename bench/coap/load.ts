import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { locate } from "../../test/support/peers.js";
import type { Command } from "../cores.js";

/** What a run of coapload measured. */
export interface CoapReport {
  readonly perSecond: number;
  readonly sent: number;
  readonly answered: number;
  /** Answered with 4.xx or 5.xx. */
  readonly refused: number;
  readonly retransmitted: number;
  readonly failed: number;
  readonly latencyUs: { readonly p50: number; readonly p99: number };
  /** Of the server. */
  readonly usPerRequest: number;
  readonly percent: number;
  readonly residentMb: number;
  readonly bytesPerObservation: number;
  /** Of the load generator, of the time: near 100 it is the limit. */
  readonly ownPercent: number;
}

/** Compiles a load generator of bench/ into the folder. Rejects with what to install where something is missing. */
export async function buildLoad(folder: string, name: string, libraries: readonly string[] = []): Promise<string> {
  const compiler = locate("gcc");
  if (compiler === undefined)
    throw new Error(
      "this benchmark builds its load generator with gcc, which is missing: apt-get install gcc libc6-dev",
    );
  // From dist/bench/coap: the compiler copies no C.
  const source = join(import.meta.dirname, "..", "..", "..", "bench", `${name}.c`);
  const program = join(folder, name);
  const args = ["-O2", "-o", program, source, ...libraries.map((library) => `-l${library}`)];
  const child = spawn(compiler, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(child, "exit");
  const needed = libraries.includes("ssl") ? ": apt-get install libssl-dev" : "";
  if (code !== 0) throw new Error(`gcc could not compile ${source}${needed}`);
  return program;
}

/** Runs a load generator to its end; 2 is a whole report with failures in it. */
export async function runLoad([program, ...args]: Command): Promise<unknown> {
  try {
    const { stdout } = await promisify(execFile)(program, args);
    return JSON.parse(stdout);
  } catch (failure) {
    if (failure instanceof Error && "code" in failure && failure.code === 2 && "stdout" in failure)
      return JSON.parse(String(failure.stdout));
    throw failure;
  }
}

/** The report as coapload prints it. Throws when a number is missing: then program and reader are not of one version. */
export function parseReport(json: unknown): CoapReport {
  const cpu = field(json, "cpu");
  return {
    perSecond: number(json, "req/s"),
    sent: number(json, "sent"),
    answered: number(json, "answered"),
    refused: number(json, "refused"),
    retransmitted: number(json, "again"),
    failed: number(json, "failed"),
    latencyUs: { p50: number(field(json, "lat_us"), "p50"), p99: number(field(json, "lat_us"), "p99") },
    usPerRequest: number(cpu, "us_per_req"),
    percent: number(cpu, "pct"),
    residentMb: (number(cpu, "rss1_kb") * 1024) / 1e6,
    bytesPerObservation: number(cpu, "bytes_per_observation"),
    ownPercent: number(json, "gen_busy_pct"),
  };
}

export function number(json: unknown, key: string): number {
  const value = field(json, key);
  if (typeof value !== "number") throw new Error(`the report of the load generator has no number ${key}`);
  return value;
}

export function field(json: unknown, key: string): unknown {
  return typeof json === "object" && json !== null && Object.hasOwn(json, key)
    ? (json as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
