import { randomUUID } from "node:crypto";
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf } from "../../core/errors.js";

/** An open file. Every method rejects with the system's error, whose `code` is `ENOSPC`, `EIO` and the like. */
export interface OpenFile {
  /** How many bytes were read into `into` from `position` on; 0 at the end of the file. May be fewer than asked for. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** How many bytes were written. May be fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** fdatasync: resolves once the content is on the medium. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  /** In bytes. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What the log needs of a file system. Tests put one in its place that fails, or that forgets what was not synced. */
export interface Files {
  makeFolder(folder: string): Promise<void>;
  /** Names of the plain files in it. */
  list(folder: string): Promise<string[]>;
  /** `create` rejects with EEXIST where the file is there; the others reject with ENOENT where it is not. */
  open(path: string, how: "read" | "update" | "create"): Promise<OpenFile>;
  /** A new small file with all of its content at once: nobody sees it half written. Rejects with EEXIST where it is there. */
  claim(path: string, text: string): Promise<void>;
  /** The text of a small file: of a longer one, its first 4 KiB. */
  text(path: string): Promise<string>;
  /** Replaces `to`, with a content that is on the medium before it has that name. */
  copy(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error where it is gone already. */
  remove(path: string): Promise<void>;
  /** Resolves once what was created, renamed and removed in the folder is on the medium. */
  syncFolder(folder: string): Promise<void>;
}

const FLAGS = { read: "r", update: "r+", create: "wx+" } as const;

export const diskFiles: Files = {
  makeFolder: async (folder) => {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    // A folder that a power cut takes away takes with it all that was synced in it.
    for (let path = resolve(folder); ; path = dirname(path)) {
      await syncFolder(dirname(path));
      if (path === resolve(made) || path === dirname(path)) return;
    }
  },
  list: async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  },
  // Telemetry is nobody else's business.
  open: async (path, how) => opened(await open(path, FLAGS[how], 0o600)),
  claim,
  text: async (path) => {
    const handle = await open(path, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await handle.close();
    }
  },
  copy: async (from, to) => {
    const part = `${to}.part`;
    await copyFile(from, part);
    const handle = await open(part, "r+");
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(part, to);
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder,
};

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function opened(handle: FileHandle): OpenFile {
  return {
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

/** Errors of file systems that have no hard links (vfat, exFAT, some network mounts). */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

async function claim(path: string, text: string): Promise<void> {
  const own = `${path}.${randomUUID()}.part`;
  await writeFile(own, text, { mode: 0o600 });
  try {
    await link(own, path);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error;
    await copyFile(own, path, constants.COPYFILE_EXCL);
  } finally {
    await rm(own, { force: true });
  }
}

/** The system's name of an error, `""` for any other. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}

/** Writes all of it, however many times that takes. */
export async function writeFully(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(bytes.subarray(done), position + done);
    if (written <= 0) throw new Error(`the system wrote ${written} of ${bytes.length - done} bytes`);
    done += written;
  }
}

/** A bad sector answers with EIO for ever, a loose cable may not: asked three times before it is believed. */
const TRIES = 3;

export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== "EIO" || tries === TRIES) throw error;
    }
  }
}

/** Fills `into` as far as the file goes; how many bytes that were. */
export async function readFully(file: OpenFile, into: Uint8Array, position: number): Promise<number> {
  for (let done = 0; ; ) {
    const got = await persistently(() => file.read(into.subarray(done), position + done));
    done += got;
    if (got === 0 || done === into.length) return done;
  }
}

/** Does it if it can be done: for what is tried again later, or does not matter when it fails. The error, if there was one. */
export async function attempt(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
