import { argv, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { bridge } from "./bridge/bridge.js";
import { broker } from "./broker/broker.js";
import { coap } from "./coap/coap.js";
import { dtls } from "./dtls/dtls.js";
import { type Bench, type BenchOptions, jsonLine, table } from "./report.js";
import { startup } from "./startup.js";

/** `npm run -s bench -- NAME [--full] [--json] [--only PART]`: the one way into benchmarks. */
const BENCHES: Readonly<Record<string, Bench>> = { bridge, broker, coap, dtls, startup };

interface Request {
  readonly name: string;
  readonly bench: Bench;
  readonly options: BenchOptions;
  readonly json: boolean;
}

/** Undefined when the command line asks for nothing that there is. */
function requested(args: string[]): Request | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { full: { type: "boolean" }, json: { type: "boolean" }, only: { type: "string" } },
    });
    const { full = false, json = false, only } = values;
    const [name = "", ...more] = positionals;
    const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
    if (bench === undefined || more.length > 0) return undefined;
    if (only === undefined) return { name, bench, options: { full }, json };
    if (!(bench.parts ?? []).some((part) => part.startsWith(only))) return undefined;
    return { name, bench, options: { full, only }, json };
  } catch {
    return undefined; // an option that there is not
  }
}

const request = requested(argv.slice(2));
if (request === undefined) {
  const list = Object.entries(BENCHES).flatMap(([each, { about, parts }]) => [
    `  ${each.padEnd(12)} ${about}`,
    ...(parts === undefined ? [] : [`  ${" ".repeat(12)} --only PART, or how it begins: ${parts.join(" ")}`]),
  ]);
  stderr.write(`npm run -s bench -- NAME [--full] [--json], where NAME is one of\n${list.join("\n")}\n`);
  process.exitCode = 2;
} else {
  const { name, bench, options, json } = request;
  const rows = await bench.run((line) => void stderr.write(`${line}\n`), options);
  stdout.write(`${table(rows)}\n`);
  if (json) stdout.write(`${jsonLine(name, rows)}\n`);
}
