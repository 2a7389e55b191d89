import { readFile } from "node:fs/promises";

/** Clock ticks a second in /proc: USER_HZ, which is 100 on every Linux that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100;

/** User and system time that a process has used, all its threads, in seconds. To 10 ms. */
export async function processorSeconds(pid: number): Promise<number> {
  return processorSecondsOf(await readFile(`/proc/${pid}/stat`, "utf8"));
}

/** The same, of the text of /proc/PID/stat (proc(5)). The name in brackets may hold blanks and brackets itself. */
export function processorSecondsOf(stat: string): number {
  // What follows the name begins with field 3; utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!stat.includes(")") || !Number.isFinite(ticks)) throw new Error("no times in /proc/PID/stat");
  return ticks / TICKS_PER_SECOND;
}
