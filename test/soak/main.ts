/**
 * `npm run test:soak -- [--minutes N] [--clients N] [--seed N] [--json]`: clients come and go at a real gateway, and its memory is
 * looked at every 10 s. Exit code 1: it rises, or a client was not served. 2: the arguments are wrong.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { eventually } from "../support/eventually.js";
import { steadyPorts } from "../support/ports.js";
import { type Program, startProgram } from "../support/program.js";
import { churn } from "./clients.js";
import { judge, type Sample } from "./flatness.js";

interface Arguments {
  readonly minutes: number;
  readonly clients: number;
  readonly seed: number;
  readonly json: boolean;
}

const EVERY = 10_000;
const MAIN = join(import.meta.dirname, "..", "..", "src", "main.js");
/** In the gateway's process: on SIGUSR2 it says what is needed of its memory. */
const TELL = `process.on("SIGUSR2", () => {
  for (let round = 0; round < 3; round++) gc();
  setTimeout(() => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    console.log("memory used " + (heapUsed + external));
  }, 100);
});`;
const USAGE = "npm run test:soak -- [--minutes N] [--clients N] [--seed N] [--json]";

function understand(): Arguments | undefined {
  try {
    const options = {
      minutes: { type: "string" },
      clients: { type: "string" },
      seed: { type: "string" },
      json: { type: "boolean" },
    } as const;
    const { values } = parseArgs({ args: argv.slice(2), options });
    const number = (text: string | undefined, usual: number): number => {
      const value = text === undefined ? usual : Number(text);
      if (!(value > 0)) throw new Error(`${text} is no number above 0`);
      return value;
    };
    const { minutes, clients, seed, json = false } = values;
    return {
      minutes: number(minutes, 30),
      clients: number(clients, 40),
      seed: number(seed, Date.now() % 1_000_000),
      json,
    };
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`);
    return undefined;
  }
}

/** The lines of `/proc/PID/status` are in kB. */
function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
}

async function usedBy(gateway: Program): Promise<number> {
  const said = (): string[] => gateway.said.match(/memory used \d+$/gm) ?? [];
  const before = said().length;
  process.kill(gateway.pid, "SIGUSR2");
  await eventually(() => gateway.ended || said().length > before, "the gateway says what it uses");
  return Number(said().at(-1)?.replace(/\D/g, "") ?? 0);
}

async function soak({ minutes, clients, seed, json }: Arguments): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "weir-soak-"));
  const [port = 0, web = 0] = await steadyPorts(2);
  const config = join(folder, "weir.yaml");
  const state = join(folder, "state");
  mkdirSync(state);
  writeFileSync(
    config,
    `gateway: { id: soak, state: ${JSON.stringify(state)} }
broker: { listeners: ["tcp://127.0.0.1:${port}", "ws://127.0.0.1:${web}"] }
`,
  );
  const command = {
    command: process.execPath,
    args: ["--expose-gc", "--import", `data:text/javascript,${encodeURIComponent(TELL)}`, MAIN, "run", config],
    ready: / ready$/m,
    log: join(folder, "gateway.log"),
  };
  const gateway = await startProgram(command);
  const { counts, stop } = churn([`mqtt://127.0.0.1:${port}`, `ws://127.0.0.1:${web}`], clients, seed);
  const samples = await watch(gateway, minutes);
  await stop();
  const died = gateway.ended;
  await gateway.signal("SIGTERM");
  const verdicts = { used: judge(samples, "used"), rss: judge(samples, "rss") };
  const flat = verdicts.used.flat && verdicts.rss.flat;
  const { failures, ...numbers } = counts;
  const failed = [...failures.values()].reduce((sum, each) => sum + each, 0);
  const sound = flat && !died && failed === 0;
  if (json)
    stdout.write(
      `${JSON.stringify({ seed, minutes, clients, ...numbers, failures: Object.fromEntries(failures), ...verdicts, flat, died, samples })}\n`,
    );
  stdout.write(
    `${counts.connections} connections, ${counts.cuts} of them cut, ${counts.published} messages published, ${counts.heard} heard\n`,
  );
  for (const [what, verdict] of Object.entries(verdicts)) {
    const judged = verdict.flat ? "flat" : samples.length < 6 ? "too short to tell" : "RISES";
    const a = `${(verdict.slope / 2 ** 20).toFixed(2)} MiB a minute, ${(verdict.rise * 100).toFixed(1)} % in all`;
    stdout.write(`${what} in the second half: ${a}: ${judged}\n`);
  }
  if (died) stdout.write("the gateway ended\n");
  for (const [why, count] of failures) stdout.write(`${count} times: ${why}\n`);
  if (sound) rmSync(folder, { recursive: true });
  else stdout.write(`again with --seed ${seed}; its log is in ${folder}\n`);
  return sound ? 0 : 1;
}

async function watch(gateway: Program, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const began = Date.now();
  while (Date.now() - began < minutes * 60_000 && !gateway.ended) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    if (gateway.ended) break;
    const used = await usedBy(gateway);
    const sample = { at: Math.round((Date.now() - began) / 1_000), rss: rssOf(gateway.pid), used };
    samples.push(sample);
    const [has, needs] = [sample.rss, sample.used].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    stderr.write(`${sample.at} s: ${needs} MiB used, ${has} MiB RSS\n`);
  }
  return samples;
}

const chosen = understand();
process.exitCode =
  chosen === undefined
    ? 2
    : await soak(chosen).catch((error: unknown) => {
        stdout.write(`${error instanceof Error ? error.stack : error}\n`);
        return 1;
      });
