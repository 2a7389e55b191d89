/**
 * `npm run test:faults`: measures what the bridge promises. Real senders publish to the real gateway, which carries to an
 * upstream of a process of its own, over a link that is cut; gateway and upstream are killed. Then what was acknowledged to the
 * senders is compared with what arrived. Exit code 1: a promise was broken. 2: the arguments are wrong.
 */
import { rmSync } from "node:fs";
import { argv, stderr, stdout } from "node:process";
import { type Arguments, readArguments, USAGE } from "./arguments.js";
import { failures, jsonLine, summarize, table } from "./report.js";
import { missing, type RunResult, run } from "./run.js";
import { tornWrites } from "./torn.js";

const say = (line: string): void => void stderr.write(`${line}\n`);

function understand(): Arguments | undefined {
  try {
    return readArguments(argv.slice(2), () => Date.now() % 1_000_000);
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return undefined;
  }
}

async function measure(chosen: Arguments): Promise<number> {
  const reason = missing(chosen);
  if (reason !== undefined) {
    stdout.write(`disk: skipped, no disk can be mounted to be filled: ${reason}\n`);
    stdout.write("  (test/unit/outbox/log/faults.test.ts has the outbox on a disk that says ENOSPC)\n");
  }
  const faults = reason === undefined ? chosen.faults : chosen.faults.filter((name) => name !== "disk");
  const once = chosen.servers === 1;
  const results: RunResult[] = [];
  const nothing = faults.length === 0 && chosen.faults.length > 0;
  for (let i = 0; i < (nothing ? 0 : chosen.runs); i++) {
    const result = await run({ ...chosen, faults, seed: chosen.seed + i, say });
    results.push(result);
    const wrong = failures(summarize(result.seed, [result]), once);
    if (wrong.length === 0 && result.violations.length === 0) rmSync(result.folder, { recursive: true });
    else {
      for (const line of wrong) stdout.write(`seed ${result.seed}: ${line}\n`);
      for (const { kind, text } of result.violations.slice(0, 5))
        stdout.write(`seed ${result.seed}: ${kind}: ${text}\n`);
      stdout.write(
        `  again with the same options and --seed ${result.seed} --runs 1; logs and ledger are in ${result.folder}\n`,
      );
    }
  }
  const sound = !chosen.torn || (await measureTorn(chosen.seed));
  const summary = summarize(chosen.seed, results);
  stdout.write(`${table(summary)}\n`);
  const promises = failures(summary, once);
  if (results.length === 0) stdout.write("nothing was measured\n");
  else if (promises.length === 0)
    stdout.write(`held: at QoS 1 0 lost, at QoS 2 0 lost${once ? " and 0 duplicated" : ""}\n`);
  else stdout.write(`BROKEN with --seed ${chosen.seed}: ${promises.join("; ")}\n`);
  if (chosen.json) stdout.write(`${jsonLine(summary)}\n`);
  return promises.length === 0 && sound ? 0 : 1;
}

/** Whether all held. */
async function measureTorn(seed: number): Promise<boolean> {
  say("torn writes, power cuts and failing disks, at every byte and every call");
  const { passed, failure } = await tornWrites(seed);
  if (failure !== undefined)
    stdout.write(`${failure}\nBROKEN: torn writes and failing disks, with WEIR_SEED=${seed}\n`);
  else stdout.write(`torn writes, power cuts, failing disks: ${passed} tests held\n`);
  return failure === undefined;
}

function giveUp(error: unknown): number {
  for (let at = error; at instanceof Error; at = at.cause) stdout.write(`${at.message}\n`);
  return 1;
}

// So that nothing that was started or mounted is left behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const chosen = understand();
process.exitCode = chosen === undefined ? 2 : await measure(chosen).catch(giveUp);
