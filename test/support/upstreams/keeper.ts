/**
 * Ends a cluster whatever becomes of the test that started it: `node keeper.js FOLDER` waits until its standard input ends,
 * which it does when the test closes it and also when the test process dies of SIGKILL. Then it kills every process that
 * carries the folder in its environment (children that the servers start inherit it) and removes the folder.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { argv, exit, kill, stdin } from "node:process";

/** The environment variable that marks a process as the cluster's. */
export const MARK = "WEIR_TEST_UPSTREAM";

/** In a row, `PAUSE` ms apart, with nobody found: who was between fork and exec at the first look is seen at the next. */
const QUIET_LOOKS = 3;
const PAUSE = 50;
/** Then what is left cannot be killed (a process in uninterruptible sleep), and waiting longer would not help. */
const LOOKS = 200;

/** Linux: the processes that carry the mark. Those of other users cannot be read, and are not ours. */
export function marked(folder: string): number[] {
  const entry = `${MARK}=${folder}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(join("/proc", name, "environ"), "latin1")
          .split("\0")
          .includes(entry);
      } catch {
        return false; // it has ended, or is not ours
      }
    })
    .map(Number);
}

async function end(folder: string): Promise<void> {
  let quiet = 0;
  for (let look = 0; look < LOOKS && quiet < QUIET_LOOKS; look++) {
    const found = marked(folder);
    quiet = found.length === 0 ? quiet + 1 : 0;
    for (const pid of found) {
      try {
        kill(pid, "SIGKILL");
      } catch {
        // it has ended by itself
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  exit(quiet < QUIET_LOOKS ? 1 : 0);
}

if (import.meta.filename === argv[1]) {
  const folder = argv[2];
  if (folder === undefined) exit(2);
  stdin.on("end", () => void end(folder)).on("error", () => void end(folder));
  stdin.resume();
}
