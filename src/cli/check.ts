import { formatProblem } from "../config/index.js";
import { makePlan } from "../plan.js";

export interface ConfigArgument {
  readonly file: string;
  readonly set: readonly string[];
}

/** `weir check`: everything that can be known to be wrong without opening a port. Problems are thrown as a ConfigError. */
export function check({ file, set }: ConfigArgument): number {
  const plan = makePlan({ file, set, env: process.env });
  for (const warning of plan.warnings) process.stderr.write(`${formatProblem(warning)}\n`);
  const { devices, bridges } = plan.config;
  process.stdout.write(`${file}: sound: ${count(devices.length, "device")}, ${count(bridges.length, "bridge")}\n`);
  return 0;
}

/** `1 device`, `2 devices` */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
