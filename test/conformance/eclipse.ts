import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locate } from "../support/peers.js";
import { steadyPorts } from "../support/ports.js";
import { startProgram } from "../support/program.js";
import type { Subject } from "./arguments.js";
import { confOfPort } from "./mosquitto-conf.js";
import { python } from "./python.js";
import { eclipseVerdict, type Outcome, type Verdict } from "./verdict.js";
import { configureWeir } from "./weir-config.js";

const SCRIPTS = { "eclipse-3.1.1": "client_test.py", "eclipse-5": "client_test5.py" } as const;
type Eclipse = keyof typeof SCRIPTS;

/** ms. One of them sends 65,536 messages where the broker does not say how many it takes. */
const PATIENCE = 120_000;

/**
 * Runs SCRIPT PORT TEST as `python3 SCRIPT -p PORT` would, but for one test: the scripts take -p and hand all arguments on to
 * unittest, and one of them does so with the -p in it.
 */
const RUN_ONE = `
import runpy, sys, unittest
script, port, test = sys.argv[1:4]
main = unittest.main
unittest.main = lambda: main(argv=[script, "Test." + test])
sys.path[0] = "."
sys.argv = [script, "-p", port]
runpy.run_path(script, run_name="__main__")
`;

/** The tests of a script: also the one of 3.1.1 whose name does not begin with "test", so that unittest overlooks it. */
export function testsOf(source: string): string[] {
  return [...source.matchAll(/^ {4}def ((?:test\w*|\w+_test))\(self\b/gm)].map(([, name = ""]) => name);
}

export interface EclipseOptions {
  readonly checkout: string;
  readonly broker: Subject;
  readonly python: string;
  readonly folder: string;
  readonly wanted: (test: string) => boolean;
  readonly heard: (outcome: Outcome) => void;
}

export async function runEclipse(options: EclipseOptions): Promise<void> {
  const scripts = join(options.checkout, "interoperability");
  for (const suite of ["eclipse-3.1.1", "eclipse-5"] as const) {
    const script = join(scripts, SCRIPTS[suite]);
    if (!existsSync(script)) throw new Error(`${script} does not exist: --eclipse is a checkout of paho.mqtt.testing`);
    for (const test of testsOf(readFileSync(script, "utf8")).filter(options.wanted)) {
      const began = performance.now();
      const broker = await startBroker(suite, options);
      const verdict = await runTest(suite, scripts, broker, test, options.python).finally(broker.end);
      options.heard({ suite, test, ...verdict, seconds: (performance.now() - began) / 1000 });
    }
  }
}

async function runTest(
  suite: Eclipse,
  folder: string,
  broker: Running,
  test: string,
  command: string,
): Promise<Verdict> {
  const args = ["-c", RUN_ONE, SCRIPTS[suite], `${broker.port}`, test];
  const ran = await python(command, { args, folder, patience: PATIENCE });
  return broker.crashed() ? { verdict: "fail", why: "the broker ended" } : eclipseVerdict(ran);
}

interface Running {
  readonly port: number;
  readonly crashed: () => boolean;
  end(): Promise<void>;
}

/** A new one for each test: what one leaves behind is not the next one's. */
async function startBroker(suite: Eclipse, { broker, folder }: EclipseOptions): Promise<Running> {
  // The scripts know no other host.
  if (broker.kind === "url") return { port: broker.port, crashed: () => false, end: async () => {} };
  const [port = 0] = await steadyPorts(1);
  const own = mkdtempSync(join(folder, "eclipse-"));
  const log = join(own, "broker.log");
  const program = await startProgram(
    broker.kind === "weir" ? weir(suite, own, port, log) : mosquitto(suite, own, port, log),
  );
  return {
    port,
    crashed: () => program.ended,
    end: async () => {
      if (program.ended) return;
      await program.signal("SIGKILL");
      rmSync(own, { recursive: true, force: true });
    },
  };
}

type Start = Parameters<typeof startProgram>[0];

function weir(suite: Eclipse, own: string, port: number, log: string): Start {
  const state = join(own, "state");
  mkdirSync(state);
  const file = join(own, "weir.yaml");
  writeFileSync(file, configureWeir(suite, state, confOfPort(port)).text);
  const main = join(import.meta.dirname, "..", "..", "src", "main.js");
  return { command: process.execPath, args: [main, "run", file], ready: / ready$/m, log };
}

function mosquitto(suite: Eclipse, own: string, port: number, log: string): Start {
  const file = join(own, "mosquitto.conf");
  // No access rules: mosquitto accepts every subscription whatever its rules say, and withholds the messages.
  const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true"];
  // The MQTT 5 suite asks for 120 s and wants 60. With a maximum, 3.1.1 clients with a keep alive of 0 are refused.
  if (suite === "eclipse-5") lines.push("max_keepalive 60");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return { command: locate("mosquitto") ?? "mosquitto", args: ["-v", "-c", file], ready: / running$/m, log };
}
