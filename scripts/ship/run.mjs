import { spawnSync } from "node:child_process";

/** Thrown where this machine does not let something be checked. */
export class NotChecked extends Error {}

/** The same for want of a program, which `npm run setup:peers` can mend. */
export class NotInstalled extends NotChecked {}

/**
 * Runs a program to its end.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, minutes?: number }} [options] ended after `minutes`, 5 if left out
 * @returns {{ status: number, output: string, text: string }} `output` is its stdout, `text` that and its stderr
 */
export function attempt(program, args, options = {}) {
  const { minutes = 5, ...rest } = options;
  const ran = spawnSync(program, args, {
    ...rest,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: minutes * 60_000,
  });
  if (ran.error !== undefined) {
    if ("code" in ran.error && ran.error.code === "ENOENT") {
      throw new NotInstalled(`${program} is not installed: npm run setup:peers installs it`);
    }
    throw ran.error;
  }
  return { status: ran.status ?? 1, output: ran.stdout, text: ran.stdout + ran.stderr };
}

/**
 * The same, and throws with the end of what it said where it fails.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, minutes?: number }} [options]
 * @returns {string} its stdout
 */
export function run(program, args, options) {
  const { status, output, text } = attempt(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${text.slice(-3_000)}`);
  return output;
}
