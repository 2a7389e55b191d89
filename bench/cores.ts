import { readFile } from "node:fs/promises";
import { locate } from "../test/support/peers.js";

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Puts the one that is measured and the one that measures it where neither takes time from the other. */
export interface Cores {
  /** The command, on the core of what is measured. */
  subject(command: Command): Command;
  /** The command, on the core of the load generator. */
  load(command: Command): Command;
  /** The cores that are used, or undefined when it may be any. */
  readonly used: readonly number[] | undefined;
  /** What was done, for people. */
  readonly about: string;
}

/** A core each with taskset (util-linux); wherever the kernel likes when it or a second core is missing. */
export async function chooseCores(): Promise<Cores> {
  const [first, second] = allowedCores(await readFile("/proc/self/status", "utf8"));
  const taskset = locate("taskset");
  if (taskset === undefined || first === undefined || second === undefined) {
    const why = taskset === undefined ? "taskset is missing" : "there is only one core";
    return { subject: (command) => command, load: (command) => command, used: undefined, about: `not pinned: ${why}` };
  }
  // taskset becomes the program: the process id stays.
  const on = (core: number, command: Command): Command => [taskset, "-c", String(core), ...command];
  return {
    subject: (command) => on(first, command),
    load: (command) => on(second, command),
    used: [first, second],
    about: `what is measured runs on core ${first}, its load on core ${second}`,
  };
}

/** The cores of Cpus_allowed_list in the text of /proc/PID/status: "0-2,7" is 0, 1, 2, 7 (cpuset(7), list format). */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1];
  if (list === undefined) throw new Error("no Cpus_allowed_list in /proc/PID/status");
  return list.split(",").flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    if (from === undefined || to === undefined) return [];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
