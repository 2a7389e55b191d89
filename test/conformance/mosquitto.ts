import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { locate } from "../support/peers.js";
import { isFree, steadyPorts } from "../support/ports.js";
import type { Subject } from "./arguments.js";
import { FITS, leftOutBecause } from "./mosquitto-tests.js";
import { python } from "./python.js";
import { REFUSED } from "./stand-in-files.js";
import { mosquittoVerdict, type Outcome, type Verdict } from "./verdict.js";

const SUITE = "mosquitto";

/** ms: of a script, and of the one with more than a thousand sequences. */
const PATIENCE = 120_000;
const SEQUENCES = "msg_sequence_test";
const SEQUENCES_PATIENCE = 1_500_000;

/** A part of that script publishes to this port, whatever port it is told. */
const SEQUENCES_PORT = 1888;

/** What the brokers of one script say, in the tree. */
const LOG = "broker.log";

/** How many ports each script takes: the suite's own list, `(2, './NAME.py'),`. */
export function portsOf(list: string): ReadonlyMap<string, number> {
  return new Map(
    [...list.matchAll(/^\s*\((\d+), '\.\/(.+)\.py'\)/gm)].map(([, count, name = ""]) => [name, Number(count)]),
  );
}

export interface MosquittoOptions {
  readonly checkout: string;
  readonly broker: Subject;
  readonly python: string;
  readonly folder: string;
  readonly wanted: (test: string) => boolean;
  readonly heard: (outcome: Outcome) => void;
}

export async function runMosquitto({
  checkout,
  broker,
  folder,
  wanted,
  heard,
  ...options
}: MosquittoOptions): Promise<void> {
  const scripts = join(checkout, "test", "broker");
  if (!existsSync(join(scripts, "mosq_test_helper.py")))
    throw new Error(`${scripts} has no mosq_test_helper.py: --mosquitto is a checkout of mosquitto`);
  const ports = portsOf(readFileSync(join(scripts, "test.py"), "utf8"));
  const names = readdirSync(scripts).flatMap((file) => (file.endsWith(".py") ? [file.slice(0, -3)] : []));
  for (const test of names.filter(wanted).sort()) {
    const reason = FITS.has(test) ? undefined : leftOutBecause(test);
    if (reason === null) continue;
    const began = performance.now();
    const verdict: Verdict =
      reason === undefined
        ? await runScript(test, { scripts, broker, folder, ports: ports.get(test) ?? 1, python: options.python })
        : { verdict: "left out", why: reason };
    heard({ suite: SUITE, test, ...verdict, seconds: (performance.now() - began) / 1000 });
  }
}

interface ScriptOptions {
  readonly scripts: string;
  readonly broker: Subject;
  readonly folder: string;
  readonly ports: number;
  readonly python: string;
}

async function runScript(
  test: string,
  { scripts, broker, folder, ports: count, python: command }: ScriptOptions,
): Promise<Verdict> {
  const sequences = test === SEQUENCES;
  if (sequences && !(await isFree(SEQUENCES_PORT)))
    return { verdict: "left out", why: `port ${SEQUENCES_PORT} is in use, and the test knows no other` };
  const ports = sequences ? [SEQUENCES_PORT] : await steadyPorts(count);
  const tree = join(folder, "mosquitto");
  rmSync(tree, { recursive: true, force: true });
  const cwd = plant(tree, scripts, broker);
  const args = [join(scripts, `${test}.py`), ...ports.map(String)];
  const ran = await python(command, { args, folder: cwd, patience: sequences ? SEQUENCES_PATIENCE : PATIENCE });
  const refused = join(tree, REFUSED);
  if (!existsSync(refused)) {
    if (!ran.said.includes("unable to start broker")) return mosquittoVerdict(ran);
    const last = readFileSync(join(tree, LOG), "utf8").trimEnd().split("\n").at(-1);
    return { verdict: "fail", why: `the broker did not start in time: ${last}` };
  }
  const [option = ""] = readFileSync(refused, "utf8").split("\n");
  return { verdict: "left out", why: `needs ${option}, which has no equivalent` };
}

/**
 * The scripts start `../../src/mosquitto` of the folder they run in, and write configurations there. So they run in a folder
 * where that is the broker under test, with the suite's files as links; not a byte of the suite is changed.
 */
function plant(tree: string, scripts: string, broker: Subject): string {
  const cwd = join(tree, "test", "broker");
  mkdirSync(cwd, { recursive: true });
  for (const entry of readdirSync(scripts)) symlinkSync(join(scripts, entry), join(cwd, entry));
  // mosquitto started by root becomes a user of its own, who writes here.
  for (const each of [tree, join(tree, "test"), cwd]) chmodSync(each, 0o777);
  const source = join(tree, "src");
  mkdirSync(source);
  const program = join(source, "mosquitto");
  writeFileSync(
    program,
    `#!/bin/sh\nexec ${commandOf(tree, broker).map(quoted).join(" ")} "$@" 2>>${quoted(join(tree, LOG))}\n`,
  );
  chmodSync(program, 0o755);
  return cwd;
}

function commandOf(tree: string, broker: Subject): string[] {
  if (broker.kind === "mosquitto") return [locate("mosquitto") ?? "mosquitto"];
  const name = broker.kind === "weir" ? broker.kind : `mqtt://${broker.host}:${broker.port}`;
  return [process.execPath, join(import.meta.dirname, "stand-in.js"), tree, name];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
