import { argv, stderr, stdout } from "node:process";
import { bridge } from "./bridge/bridge.js";
import { type Bench, jsonLine, table } from "./report.js";
import { startup } from "./startup.js";

/** `npm run -s bench -- NAME [--full] [--json]`: the one way into benchmarks. */
const BENCHES: Readonly<Record<string, Bench>> = { bridge, startup };

const OPTIONS = ["--full", "--json"];

const names = argv.slice(2).filter((argument) => !argument.startsWith("-"));
const options = argv.slice(2).filter((argument) => argument.startsWith("-"));
const name = names[0] ?? "";
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;

if (bench === undefined || names.length !== 1 || options.some((option) => !OPTIONS.includes(option))) {
  const list = Object.entries(BENCHES).map(([each, { about }]) => `  ${each.padEnd(12)} ${about}`);
  stderr.write(`npm run -s bench -- NAME [--full] [--json], where NAME is one of\n${list.join("\n")}\n`);
  process.exitCode = 2;
} else {
  const rows = await bench.run((line) => void stderr.write(`${line}\n`), {
    full: options.includes("--full"),
  });
  stdout.write(`${table(rows)}\n`);
  if (options.includes("--json")) stdout.write(`${jsonLine(name, rows)}\n`);
}
