import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readText } from "../config/files.js";
import { messageOf, WeirError } from "../core/errors.js";

/** As much as the gateway reads of a file of users, in bytes. */
const LARGEST = 4 * 2 ** 20;

/**
 * Puts a changed text in the place of a file that holds secrets; false where `change` gives none. At every moment the file is the
 * whole old or the whole new one, readable by its owner alone. The new text is written beside it under a fixed name, which also
 * keeps a second process from working on the same old text.
 */
export function rewrite(file: string, change: (text: string) => string | undefined): boolean {
  const target = behindLinks(file);
  const beside = join(dirname(target), `.${basename(target)}.new`);
  const descriptor = begin(beside);
  let placed = false;
  try {
    const changed = change(textOf(target));
    if (changed === undefined) return false;
    if (Buffer.byteLength(changed) > LARGEST) throw new WeirError("ACCESS_INVALID", `${file} would be too large`);
    keepOwner(descriptor, target);
    writeFileSync(descriptor, changed);
    fsyncSync(descriptor);
    renameSync(beside, target);
    placed = true;
    syncFolder(dirname(target));
    return true;
  } finally {
    closeSync(descriptor);
    if (!placed) unlinkSync(beside);
  }
}

/** A link stays one: what it points to is replaced. */
function behindLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}

function begin(beside: string): number {
  try {
    // Neither another's file nor a link that somebody laid there (O_EXCL).
    return openSync(beside, "wx", 0o600);
  } catch (cause) {
    const taken = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const text = taken
      ? `${beside} is there: another weir passwd is at work, or one was killed and it is to be removed`
      : `${beside} cannot be written: ${messageOf(cause)}`;
    throw new WeirError("ACCESS_INVALID", text, { cause });
  }
}

function textOf(target: string): string {
  if (statSync(target, { throwIfNoEntry: false }) === undefined) return "";
  const read = readText(target, LARGEST);
  if ("problem" in read) throw new WeirError("ACCESS_INVALID", `${target} ${read.problem}`);
  return read.text;
}

/** root changes a file of the gateway's user: it must stay that user's, who could not read it otherwise. */
function keepOwner(descriptor: number, target: string): void {
  const old = statSync(target, { throwIfNoEntry: false });
  if (old !== undefined && process.getuid?.() === 0) fchownSync(descriptor, old.uid, old.gid);
}

/** The new name is on the disk only with its folder. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
