import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { messageOf } from "../core/errors.js";

/** The only effects of this folder: reading bounded files, and asking who else may read them. */

export type FileText = { readonly text: string; readonly exposed: boolean } | { readonly problem: string };

/** Reads a text file of at most `limit` bytes. Never throws and never waits: a pipe without a writer would hang the start. */
export function readText(path: string, limit: number): FileText {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(file);
    if (!status.isFile()) return { problem: "is not a regular file" };
    // One byte more than allowed: a file may grow while it is read, and the size of some (/proc) is given as 0.
    const buffer = Buffer.alloc(limit + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= limit; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null);
    if (length > limit) return { problem: `is larger than ${limit} bytes` };
    const text = new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
    return { text, exposed: exposed(status.mode) };
  } catch (error) {
    return { problem: reason(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Why a file cannot be used, or whether others than its owner may read it. */
export function inspectFile(path: string): { readonly exposed: boolean } | { readonly problem: string } {
  let file: number | undefined;
  try {
    // Opened, since permission bits alone do not say whether this user may read it.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(file);
    return status.isFile() ? { exposed: exposed(status.mode) } : { problem: "is not a regular file" };
  } catch (error) {
    return { problem: reason(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Why a folder cannot be used, or undefined. */
export function folderProblem(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "is not a folder";
  } catch (error) {
    return reason(error);
  }
}

/** Group and others; Windows has no such bits. */
function exposed(mode: number): boolean {
  return process.platform !== "win32" && (mode & 0o044) !== 0;
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "cannot be read by this user";
  if (code === "EISDIR") return "is a folder";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "is not UTF-8 text";
  return `cannot be read: ${messageOf(error)}`;
}
