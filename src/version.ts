import { readFileSync } from "node:fs";

/** The package's version, from the file that has it. */
export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

export function printVersion(): number {
  process.stdout.write(`weir ${version()}\n`);
  return 0;
}
