import { readFile } from "node:fs/promises";

/** Clock ticks a second in /proc: USER_HZ, which is 100 on every Linux that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100;

/** User and system time that a process has used, all its threads, in seconds. To 10 ms. */
export async function processorSeconds(pid: number): Promise<number> {
  return processorSecondsOf(await readFile(`/proc/${pid}/stat`, "utf8"));
}

/** The same of all children that it had and that have ended. */
export async function childrenSeconds(pid: number): Promise<number> {
  return timesOf(await readFile(`/proc/${pid}/stat`, "utf8"), 13);
}

/** Time in which these cores, or all without a list, did anything at all, in seconds. */
export async function busySeconds(cores?: readonly number[]): Promise<number> {
  return busySecondsOf(await readFile("/proc/stat", "utf8"), cores);
}

/** The same as `processorSeconds`, of the text of /proc/PID/stat (proc(5)). */
export function processorSecondsOf(stat: string): number {
  return timesOf(stat, 11);
}

/** The same as `busySeconds`, of the text of /proc/stat (proc(5)). */
export function busySecondsOf(stat: string, cores?: readonly number[]): number {
  const names = cores?.map((core) => `cpu${core}`) ?? ["cpu"];
  let ticks = 0;
  for (const name of names) {
    const fields = stat.split("\n").find((line) => line.startsWith(`${name} `));
    if (fields === undefined) throw new Error(`no ${name} in /proc/stat`);
    // After idle and iowait come irq, softirq and steal; guest is in user already.
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields
      .split(/ +/)
      .slice(1)
      .map(Number);
    ticks += user + nice + system + irq + softirq + steal;
  }
  return ticks / TICKS_PER_SECOND;
}

/** User and system time, two fields beside each other. The name in brackets may hold blanks and brackets itself. */
function timesOf(stat: string, at: 11 | 13): number {
  // What follows the name begins with field 3; utime and stime are 14 and 15, cutime and cstime 16 and 17.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[at]) + Number(fields[at + 1]);
  if (!stat.includes(")") || !Number.isFinite(ticks)) throw new Error("no times in /proc/PID/stat");
  return ticks / TICKS_PER_SECOND;
}
