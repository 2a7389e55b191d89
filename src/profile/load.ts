import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../core/errors.js";
import { nearNames } from "../core/near.js";
import { parseProfile } from "./parse.js";
import { ProfileError } from "./problem.js";
import type { Profile } from "./profile.js";

/** 256 KiB: the largest profile is not a tenth of it. */
const MAX_SIZE = 256 * 1024;
const EXTENSION = ".yaml";
/** `vendor/model`, or deeper. No `..`, no absolute path: a reference stays within its folder. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$/;

/**
 * The profiles that come with Weir: `devices` beside package.json, found from dist/src/profile/load.js.
 */
export const bundledFolder: string = fileURLToPath(new URL("../../../devices", import.meta.url));

function failure(file: string, message: string): ProfileError {
  return new ProfileError([{ file, line: 0, column: 0, path: "", message }]);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Reads a file that may be anything: never more than the bound. */
function readBounded(file: string): string {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    if (!fstatSync(handle).isFile()) throw failure(file, "is not a file");
    const buffer = Buffer.alloc(MAX_SIZE + 1);
    let size = 0;
    for (;;) {
      const count = readSync(handle, buffer, size, buffer.length - size, null);
      if (count === 0) break;
      size += count;
    }
    if (size > MAX_SIZE) throw failure(file, `is larger than ${MAX_SIZE / 1024} KiB`);
    return buffer.toString("utf8", 0, size);
  } catch (error) {
    throw error instanceof ProfileError ? error : failure(file, `cannot be read: ${messageOf(error)}`);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/**
 * Loads the profile that a configuration names.
 *
 * `ref` is `vendor/model`, looked up as `<folder>/vendor/model.yaml` in the folders' order, or the path of a file that
 * ends in .yaml. Throws a ProfileError with every problem there is.
 */
export function loadProfile(ref: string, folders: readonly string[]): Profile {
  if (ref.endsWith(EXTENSION)) return parseProfile(readBounded(ref), { file: ref, name: basename(ref, EXTENSION) });
  const file = REFERENCE.test(ref)
    ? folders.map((folder) => join(folder, `${ref}${EXTENSION}`)).find(isFile)
    : undefined;
  if (file !== undefined) return parseProfile(readBounded(file), { file, name: ref });
  const near = nearNames(
    ref,
    listProfiles(folders).map(({ name }) => name),
  );
  const hint = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  const places = folders.length === 0 ? "no folder" : folders.join(", ");
  throw failure(ref, `no such profile in ${places}.${hint}`);
}

/** Folders below a profile folder that are looked into, itself included, and files in all: enough, and bounded. */
const MAX_DEPTH = 4;
const MAX_PROFILES = 10_000;

/** The profiles of some folders by their names, sorted; of two with one name, the one of the earlier folder. */
export function listProfiles(folders: readonly string[]): { name: string; file: string }[] {
  const found = new Map<string, string>();

  function visit(root: string, folder: string, depth: number): void {
    let entries: ReturnType<typeof readEntries>;
    try {
      entries = readEntries(folder);
    } catch {
      // A folder that is not there holds no profiles; the configuration's check tells about it.
      return;
    }
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) visit(root, path, depth + 1);
      if (!entry.isFile() || !entry.name.endsWith(EXTENSION) || found.size >= MAX_PROFILES) continue;
      const name = join(dirname(relative(root, path)), basename(path, EXTENSION))
        .split(sep)
        .join("/");
      if (!found.has(name)) found.set(name, path);
    }
  }

  for (const folder of folders) visit(folder, folder, 1);
  return [...found].map(([name, file]) => ({ name, file })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}
