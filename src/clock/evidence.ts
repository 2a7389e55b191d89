import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Sync } from "./state.js";

/** Where systemd-timesyncd says how it is (systemd-timesyncd.service(8)). */
export const TIMESYNC = "/run/systemd/timesync";

/** No right clock says an earlier time: Node 20.19, the oldest that Weir runs on, is of 2025-03-13. */
export const EARLIEST = Date.UTC(2025, 2, 13);

/** A time that is further ahead is damage: it would call every clock wrong for ever. In ms, 50 years. */
const MOST_AHEAD = 50 * 365 * 86_400_000;

/** The folder is there while timesyncd runs, the file in it once the clock was synchronized since the machine started. */
export async function readSync(folder: string): Promise<Sync> {
  if (await exists(join(folder, "synchronized"))) return "yes";
  return (await exists(folder)) ? "no" : "unknown";
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The latest time that was known when the gateway last ran, in ms since the Unix epoch. Undefined: none, or the file is damaged. */
export async function readLatest(file: string): Promise<number | undefined> {
  const handle = await open(file, "r").catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
    const text = buffer.toString("latin1", 0, bytesRead);
    const time = /^\d{1,15}\n$/.test(text) ? Number(text) : Number.NaN;
    return time >= EARLIEST && time <= EARLIEST + MOST_AHEAD ? time : undefined;
  } catch {
    return undefined; // a folder, a failing disk: then the time is not known
  } finally {
    await handle.close().catch(() => {});
  }
}

/** Writes it so that a power cut leaves the old time or the new one. Rejects with the system's error. */
export async function writeLatest(file: string, time: number): Promise<void> {
  const fresh = `${file}.new`;
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(fresh, "w");
  try {
    await handle.writeFile(`${Math.round(time)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}
