import { join } from "node:path";
import { messageOf, WeirError } from "../../core/errors.js";
import { CursorFile } from "./cursor.js";
import { SegmentOutbox } from "./durable.js";
import { Epoch } from "./epoch.js";
import { attempt, codeOf, diskFiles, type Files } from "./files.js";
import { type Lock, lockFolder } from "./lock.js";
import type { DurableOutbox, DurableOutboxOptions } from "./options.js";
import { recover } from "./recovery.js";
import { outboxReport } from "./report.js";

/**
 * Opens the outbox of a folder and recovers what is in it. A disk that is full or read-only does not stop it: then it gives what it
 * has and takes nothing until it can write. Rejects with OUTBOX_LOCKED while another process has the folder, and with
 * OUTBOX_UNAVAILABLE where the folder cannot be made or read.
 */
export async function openDurableOutbox(options: DurableOutboxOptions): Promise<DurableOutbox> {
  const { id, folder, files = diskFiles } = options;
  let lock: Lock | undefined;
  let fault: unknown;
  try {
    await files.makeFolder(folder);
    try {
      lock = await lockFolder(files, folder);
    } catch (error) {
      if (!ofTheDisk(error)) throw error;
      fault = error;
    }
    if (lock !== undefined) await sweep(files, folder);
    const cursor = new CursorFile(files, join(folder, "cursor"));
    const known = await cursor.read();
    const recovery = await recover(files, folder, known);
    const report = outboxReport(id, folder, options.journal);
    report.recovered(recovery, known === undefined);
    const epoch = await Epoch.open(files, folder, known !== undefined);
    if (!epoch.kept && recovery.segments.length + recovery.finished.length > 0) report.epochNew();
    fault ??= await troubleWith(epoch.keep());
    const outbox = new SegmentOutbox(options, { files, cursor, recovery, lock, epoch });
    await outbox.begin(recovery.finished, fault);
    return outbox;
  } catch (error) {
    await attempt(lock?.release() ?? Promise.resolve());
    if (error instanceof WeirError) throw error;
    throw new WeirError("OUTBOX_UNAVAILABLE", `outbox of bridge ${id} in ${folder}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What a disk says that holds data but takes no more. The gateway must start with it: what it holds is to be sent. */
function ofTheDisk(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EROFS", "EIO"].includes(codeOf(error));
}

/** What the disk said, which does not stop the opening. */
async function troubleWith(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!ofTheDisk(error)) throw error;
    return error;
  }
}

/** Copies that were not finished when the process ended. */
async function sweep(files: Files, folder: string): Promise<void> {
  for (const name of await files.list(folder))
    if (name.endsWith(".part")) await attempt(files.remove(join(folder, name)));
}
