import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface WatchOptions {
  /** Between two looks where the system tells of nothing (network file systems, some containers), in ms. */
  readonly poll?: number;
  /** How long a file must be the same before it is read, in ms: programs write in pieces. */
  readonly settle?: number;
}

/**
 * Tells of files that changed, however that was done: written in place, replaced by rename as editors and `weir passwd` do, behind
 * a link as in containers, or gone. The system's word is taken as a hint alone; what counts is what a look at the file says.
 */
export class FileWatch {
  readonly #files: ReadonlyMap<string, { known: string; seen: string }>;
  readonly #changed: (path: string) => void;
  readonly #settle: number;
  readonly #watchers: FSWatcher[] = [];
  readonly #poll: NodeJS.Timeout;
  #next: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(known: ReadonlyMap<string, string>, changed: (path: string) => void, options: WatchOptions) {
    this.#files = new Map([...known].map(([path, mark]) => [path, { known: mark, seen: mark }]));
    this.#changed = changed;
    this.#settle = options.settle ?? 200;
    for (const folder of new Set([...known.keys()].map(dirname))) this.#follow(folder);
    this.#poll = setInterval(() => this.#soon(), options.poll ?? 3_000);
    this.#poll.unref();
  }

  /** What is read after this resolved and is changed afterwards, is told. `changed` must not throw. */
  static async open(
    paths: readonly string[],
    changed: (path: string) => void,
    options: WatchOptions = {},
  ): Promise<FileWatch> {
    const known = new Map<string, string>();
    for (const path of paths) known.set(path, await markOf(path));
    return new FileWatch(known, changed, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#next);
    for (const watcher of this.#watchers) watcher.close();
    await this.#looking;
  }

  #follow(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      // A folder that goes away, or too many watchers: the poll is left.
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // the same
    }
  }

  #soon(): void {
    if (this.#closed || this.#next !== undefined) return;
    this.#next = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        this.#next = undefined;
        if ([...this.#files.values()].some(({ known, seen }) => known !== seen)) this.#soon();
      });
    }, this.#settle);
    this.#next.unref();
  }

  /** A file that is twice the same, and not what was known, has changed. */
  async #look(): Promise<void> {
    for (const [path, file] of this.#files) {
      const mark = await markOf(path);
      if (this.#closed) return;
      const settled = mark === file.seen;
      file.seen = mark;
      if (!settled || mark === file.known) continue;
      file.known = mark;
      this.#changed(path);
    }
  }
}

/** What is another where the file is another. Times in ns: two writes may be within one ms. */
async function markOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return "gone";
  }
}
