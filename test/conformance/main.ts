/**
 * `npm run test:conformance`: suites that nobody here wrote, run against Weir, or against mosquitto to have something to
 * compare with. They are checkouts outside the repository. Exit code 1: explanations.ts does not explain what Weir
 * fails, or explains what it passes. 2: the arguments are wrong.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { argv, stderr, stdout } from "node:process";
import { version } from "../../src/version.js";
import { locate } from "../support/peers.js";
import { type Arguments, readArguments, type Subject, USAGE } from "./arguments.js";
import { runEclipse } from "./eclipse.js";
import { EXPLANATIONS } from "./explanations.js";
import { runMosquitto } from "./mosquitto.js";
import { locatePython } from "./python.js";
import { jsonLine, line, markdown, type Report, stale, summary, unexplained } from "./report.js";
import type { Outcome } from "./verdict.js";

const say = (text: string): void => void stderr.write(`${text}\n`);

function understand(): Arguments | undefined {
  try {
    return readArguments(argv.slice(2));
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return undefined;
  }
}

async function measure(chosen: Arguments): Promise<number> {
  const { broker, only } = chosen;
  const outcomes: Outcome[] = [];
  const heard = (outcome: Outcome): void => {
    outcomes.push(outcome);
    (chosen.markdown ? say : tell)(line(outcome));
  };
  const folder = mkdtempSync(join(tmpdir(), "weir-conformance-"));
  const wanted = (test: string): boolean => only === undefined || test.includes(only);
  const common = { broker, python: locatePython(), folder, wanted, heard };
  const versions: string[] = [];
  try {
    if (chosen.eclipse !== undefined) {
      const checkout = resolve(chosen.eclipse);
      versions.push(`paho.mqtt.testing ${commitOf(checkout)}`);
      await runEclipse({ ...common, checkout });
    }
    if (chosen.mosquitto !== undefined) {
      const checkout = resolve(chosen.mosquitto);
      versions.push(`mosquitto ${commitOf(checkout)}`);
      await runMosquitto({ ...common, checkout });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const report: Report = { broker: nameOf(broker), versions, outcomes };
  tell(chosen.markdown ? markdown(report, EXPLANATIONS) : summary(report));
  if (outcomes.length === 0) say("nothing was run");
  const [open, old] =
    broker.kind === "weir" ? [unexplained(outcomes, EXPLANATIONS), stale(outcomes, EXPLANATIONS)] : [[], []];
  if (open.length > 0) say(`not explained in test/conformance/explanations.ts: ${open.join(", ")}`);
  if (old.length > 0) say(`explained in test/conformance/explanations.ts, but passes: ${old.join(", ")}`);
  if (chosen.json) tell(jsonLine(report));
  return open.length + old.length === 0 && outcomes.length > 0 ? 0 : 1;
}

function tell(text: string): void {
  stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

function nameOf(broker: Subject): string {
  if (broker.kind === "weir") return `Weir ${version()}`;
  if (broker.kind === "url") return `mqtt://${broker.host}:${broker.port}`;
  const { stdout: help } = spawnSync(locate("mosquitto") ?? "mosquitto", ["-h"], { encoding: "utf8" });
  return help.split("\n")[0] || "mosquitto";
}

function commitOf(checkout: string): string {
  const { status, stdout: said } = spawnSync("git", ["-C", checkout, "describe", "--tags", "--always"], {
    encoding: "utf8",
  });
  return status === 0 ? said.trim() : "of unknown version";
}

// So that nothing that was started is left behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const chosen = understand();
process.exitCode =
  chosen === undefined
    ? 2
    : await measure(chosen).catch((error: unknown) => {
        for (let at = error; at instanceof Error; at = at.cause) say(at.message);
        return 1;
      });
