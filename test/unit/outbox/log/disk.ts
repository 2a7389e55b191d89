import { basename, dirname } from "node:path";
import type { Files, OpenFile } from "../../../../src/outbox/log/files.js";

interface Inode {
  /** What a reader sees. */
  content: Buffer;
  /** What is on the medium. */
  safe: Buffer;
  /** Writes and cuts since the last sync, in order. */
  unsafe: Change[];
}

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

/** A lock whose process is gone: above the largest id that Linux gives (PID_MAX_LIMIT). */
const GONE = JSON.stringify({ pid: 2 ** 22 + 1 });

/** Says whether the call goes wrong, before it is done: an error to reject with, or how many bytes of a write are done. */
export type Trouble = (call: string, path: string) => Error | number | undefined;

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

/**
 * A disk in memory that forgets what was not synced: content of files, and the names in the folder (all files are in one).
 * After `pullPlug` or `kill`, what was opened before does nothing any more.
 */
export class Disk {
  /** What a process sees. */
  names = new Map<string, Inode>();
  /** What is on the medium. */
  #safeNames = new Map<string, Inode>();
  trouble: Trouble = () => undefined;
  calls = 0;
  #life = 0;

  /** The process ends; what it gave to the system stays. */
  kill(): void {
    this.#life += 1;
    for (const [name, inode] of this.names) if (name.startsWith("lock.")) inode.content = Buffer.from(GONE);
  }

  /**
   * The power goes: of what was not synced, `chance` says what reached the medium all the same: 0 to 1 for each write, where less
   * than 1 is the part of it from the beginning that did.
   */
  pullPlug(chance: () => number): void {
    this.kill();
    // Names reach the medium in any order too, each as a whole.
    for (const name of new Set([...this.names.keys(), ...this.#safeNames.keys()])) {
      if (chance() < 0.5) continue;
      const inode = this.names.get(name);
      if (inode === undefined) this.#safeNames.delete(name);
      else this.#safeNames.set(name, inode);
    }
    for (const [name, inode] of this.#safeNames) {
      // Also those that were removed a moment ago are back, and their process is gone.
      if (name.startsWith("lock.")) Object.assign(inode, { safe: Buffer.from(GONE), unsafe: [] });
      let content = inode.safe;
      for (const change of inode.unsafe) content = applied(content, torn(change, chance()));
      inode.content = content;
      inode.safe = content;
      inode.unsafe = [];
    }
    this.names = new Map(this.#safeNames);
  }

  /** All files' contents, by name. */
  image(): Map<string, Buffer> {
    return new Map([...this.names].map(([name, inode]) => [name, Buffer.from(inode.content)]));
  }

  /** A disk with these files, whose lock nobody has. */
  static of(image: ReadonlyMap<string, Buffer>): Disk {
    const disk = new Disk();
    for (const [name, bytes] of image) {
      if (name.startsWith("lock.")) continue;
      const inode = { content: Buffer.from(bytes), safe: Buffer.from(bytes), unsafe: [] };
      disk.names.set(name, inode);
      disk.#safeNames.set(name, inode);
    }
    return disk;
  }

  /** The disk as the process sees it that lives now. */
  files(): Files {
    const life = this.#life;
    const call = async (name: string, path: string): Promise<number | undefined> => {
      // As the disk does: another turn of the event loop at least.
      await new Promise((resolve) => setImmediate(resolve));
      if (life !== this.#life) throw systemError("EGONE");
      this.calls += 1;
      const trouble = this.trouble(name, path);
      if (trouble instanceof Error) throw trouble;
      return trouble;
    };
    const find = (path: string): Inode => {
      const inode = this.names.get(basename(path));
      if (inode === undefined) throw systemError("ENOENT");
      return inode;
    };
    const create = (path: string, content = Buffer.alloc(0)): Inode => {
      if (this.names.has(basename(path))) throw systemError("EEXIST");
      const unsafe = content.length > 0 ? [{ at: 0, bytes: content }] : [];
      const inode = { content, safe: Buffer.alloc(0), unsafe };
      this.names.set(basename(path), inode);
      return inode;
    };
    return {
      makeFolder: async (folder) => void (await call("makeFolder", folder)),
      list: async (folder) => {
        await call("list", folder);
        return [...this.names.keys()];
      },
      open: async (path, how) => {
        await call(`open ${how}`, path);
        return opened(how === "create" ? create(path) : find(path), path, call);
      },
      claim: async (path, text) => {
        await call("claim", path);
        create(path, Buffer.from(text));
      },
      text: async (path) => {
        await call("text", path);
        return find(path).content.toString();
      },
      copy: async (from, to) => {
        await call("copy", from);
        const content = Buffer.from(find(from).content);
        this.names.set(basename(to), { content, safe: content, unsafe: [] });
      },
      rename: async (from, to) => {
        await call("rename", from);
        const inode = find(from);
        this.names.delete(basename(from));
        this.names.set(basename(to), inode);
      },
      remove: async (path) => {
        await call("remove", path);
        this.names.delete(basename(path));
      },
      syncFolder: async (folder) => {
        await call("syncFolder", dirname(`${folder}/x`));
        this.#safeNames = new Map(this.names);
      },
    };
  }
}

function opened(
  inode: Inode,
  path: string,
  call: (name: string, path: string) => Promise<number | undefined>,
): OpenFile {
  const change = (one: Change): void => {
    inode.content = applied(inode.content, one);
    inode.unsafe.push(one);
  };
  return {
    read: async (into, position) => {
      await call("read", path);
      const part = inode.content.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
    write: async (bytes, position) => {
      const done = (await call("write", path)) ?? bytes.length;
      change({ at: position, bytes: Buffer.from(bytes.subarray(0, done)) });
      return Math.min(done, bytes.length);
    },
    sync: async () => {
      // What is written while it runs is not part of it.
      const [{ content }, covered] = [inode, inode.unsafe.length];
      try {
        await call("sync", path);
      } catch (error) {
        // The system gives up what it could not write: the next sync that succeeds says nothing about it.
        inode.unsafe.splice(0, covered);
        throw error;
      }
      inode.safe = content;
      inode.unsafe.splice(0, covered);
    },
    truncate: async (length) => {
      await call("truncate", path);
      change({ length });
    },
    size: async () => {
      await call("size", path);
      return inode.content.length;
    },
    close: async () => void (await call("close", path)),
  };
}

function applied(content: Buffer, change: Change | undefined): Buffer {
  if (change === undefined) return content;
  if ("length" in change) {
    const cut = Buffer.alloc(change.length);
    content.copy(cut);
    return cut;
  }
  const { at, bytes } = change;
  const grown = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(grown);
  bytes.copy(grown, at);
  return grown;
}

/** What of a change reached the medium: all of it, its beginning, or nothing. */
function torn(change: Change, part: number): Change | undefined {
  if (part >= 0.9) return change;
  if (part < 0.3) return undefined;
  if ("length" in change) return change;
  return { at: change.at, bytes: change.bytes.subarray(0, Math.floor(((part - 0.3) / 0.6) * change.bytes.length)) };
}
