import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, WeirError } from "../../core/errors.js";
import { attempt, codeOf, type Files } from "./files.js";

/**
 * One process at a time has the folder, also when the one before was ended by kill -9.
 *
 * Invariants
 * - the holder is who made the file `lock.<n>` with the highest n; the file names its process;
 * - nobody removes or changes a file whose process lives, save that process. Who finds the highest one stale makes the next
 *   one, which only one of several can; then it removes those below;
 * - who finds a higher one after making its own has looked too late, and looks again;
 * - the highest n never falls: who gives the folder back leaves a higher file that names nobody. So two never hold it at once.
 *
 * Processes are told apart by id, start time and boot, so that an id that was given anew does not hold a lock. Two containers that
 * share a folder do not see each other's processes: this lock does not keep them apart.
 */
export interface Lock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Clock ticks since boot, as text; undefined where the system does not say. */
  readonly started?: string;
  readonly boot?: string;
}

const NOBODY = "given back\n";
/** How often it looks again when others are taking the lock in the same moment. */
const ROUNDS = 20;

/** Rejects with `code` while another process has it, or with the system's error where the lock cannot be written. */
export async function lockFolder(files: Files, folder: string, code: ErrorCode = "OUTBOX_LOCKED"): Promise<Lock> {
  const text = JSON.stringify(await holderOf(process.pid));
  for (let round = 0; round < ROUNDS; round += 1) {
    const highest = Math.max(0, ...(await generations(files, folder)));
    if (highest > 0) await refuseIfHeld(files, folder, pathOf(folder, highest), code);
    const own = pathOf(folder, highest + 1);
    try {
      await files.claim(own, text);
    } catch (error) {
      if (codeOf(error) === "EEXIST") continue;
      throw error;
    }
    const all = await generations(files, folder).catch(async (error: unknown) => {
      // This process lives: left behind, it would keep itself out.
      await attempt(files.remove(own));
      throw error;
    });
    if (Math.max(...all) > highest + 1) {
      await files.remove(own);
      continue;
    }
    for (const n of all) if (n <= highest) await attempt(files.remove(pathOf(folder, n)));
    return { release: () => giveBack(files, own, pathOf(folder, highest + 2)) };
  }
  throw new WeirError(code, `${folder}: other processes are taking it at this moment`);
}

async function giveBack(files: Files, own: string, next: string): Promise<void> {
  // On a full disk there may be no room for that: then the file goes, with a chance in a million that two others meet.
  await attempt(files.claim(next, NOBODY));
  await files.remove(own);
}

async function refuseIfHeld(files: Files, folder: string, path: string, code: ErrorCode): Promise<void> {
  let text = "";
  try {
    text = await files.text(path);
  } catch (error) {
    // Given back a moment ago.
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const holder = parse(text);
  if (holder !== undefined && (await lives(holder))) {
    throw new WeirError(code, `${folder} is in use by process ${holder.pid} (${path})`);
  }
}

function pathOf(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}

async function generations(files: Files, folder: string): Promise<number[]> {
  const names = await files.list(folder);
  return names.filter((name) => /^lock\.\d{1,9}$/.test(name)).map((name) => Number(name.slice("lock.".length)));
}

/** Undefined for what no Weir wrote: a lock that names nobody holds nothing. */
function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value)) return undefined;
    const { pid } = value;
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid < 1) return undefined;
    return { pid, ...textOf(value, "started"), ...textOf(value, "boot") };
  } catch {
    return undefined; // no JSON
  }
}

function textOf<Name extends string>(value: object, name: Name): { [key in Name]?: string } {
  const text: unknown = Reflect.get(value, name);
  return (typeof text === "string" ? { [name]: text } : {}) as { [key in Name]?: string };
}

async function lives(holder: Holder): Promise<boolean> {
  const now = await holderOf(holder.pid);
  if (holder.boot !== undefined && now.boot !== undefined && holder.boot !== now.boot) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if (codeOf(error) === "ESRCH") return false;
  }
  return holder.started === undefined || now.started === undefined || holder.started === now.started;
}

/** What Linux says about a process; elsewhere no more than its id. */
async function holderOf(pid: number): Promise<Holder> {
  const read = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
  // The 22nd field is the start time (proc(5)); the second one is a name in brackets that may hold anything.
  const stat = await read(`/proc/${pid}/stat`);
  const started = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  const boot = (await read("/proc/sys/kernel/random/boot_id"))?.trim();
  return { pid, ...(started === undefined ? {} : { started }), ...(boot === undefined ? {} : { boot }) };
}
