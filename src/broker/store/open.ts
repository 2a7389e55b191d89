import { join } from "node:path";
import { messageOf, WeirError } from "../../core/errors.js";
import { attempt, codeOf, diskFiles, type Files } from "../../outbox/log/files.js";
import { type Lock, lockFolder } from "../../outbox/log/lock.js";
import { DurableStore } from "./durable.js";
import type { StoreOptions } from "./options.js";
import { recover } from "./recovery.js";
import { storeReport } from "./report.js";
import type { Store } from "./store.js";

/**
 * Opens the store of a folder and recovers what is in it. A disk that is full or read-only does not stop it: then it gives what it
 * has, and stores nothing until it can. Rejects with STORE_LOCKED while another process has the folder, and with
 * STORE_UNAVAILABLE where the folder cannot be made or read.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { folder, files = diskFiles } = options;
  let lock: Lock | undefined;
  let fault: unknown;
  try {
    await files.makeFolder(folder);
    try {
      lock = await lockFolder(files, folder, "STORE_LOCKED");
    } catch (error) {
      if (!ofTheDisk(error)) throw error;
      fault = error;
    }
    if (lock !== undefined) await sweep(files, folder);
    const recovery = await recover(files, folder);
    storeReport(folder, options.journal).recovered(recovery);
    const store = new DurableStore(options, { files, recovery, lock });
    await store.begin(fault);
    return store;
  } catch (error) {
    await attempt(lock?.release() ?? Promise.resolve());
    if (error instanceof WeirError) throw error;
    throw new WeirError("STORE_UNAVAILABLE", `${folder}: ${messageOf(error)}`, { cause: error });
  }
}

/** What a disk says that holds data but takes no more. The broker must start with it. */
function ofTheDisk(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EROFS", "EIO"].includes(codeOf(error));
}

/** Snapshots that were not finished when the process ended. */
async function sweep(files: Files, folder: string): Promise<void> {
  for (const name of await files.list(folder))
    if (name.endsWith(".part")) await attempt(files.remove(join(folder, name)));
}
