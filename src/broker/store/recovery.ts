import { join } from "node:path";
import { attempt, codeOf, type Files, type OpenFile, persistently, readFully } from "../../outbox/log/files.js";
import { Malformed } from "./bytes.js";
import { FILE_HEADER, fileOf, fromTheFuture, type StoreFile } from "./file.js";
import { FRAME_HEADER } from "./frame.js";
import { Replay } from "./replay.js";
import { type Scanned, scanFrames } from "./scan.js";

export interface Recovery {
  readonly replay: Replay;
  /** Those that count, in order: the snapshot comes first. */
  readonly chain: StoreFile[];
  /** Those that a snapshot has taken the place of. */
  readonly replaced: StoreFile[];
  /** Of the next segment. */
  readonly next: number;
  /** Bytes of writes that never finished. */
  readonly truncated: number;
  readonly losses: readonly Loss[];
}

export interface Loss {
  readonly file: string;
  /** That are damaged; 0 where all of it is gone or cannot be read. */
  readonly bytes: number;
  readonly why: string;
}

/** Reads what a folder holds. Changes nothing but the ends of segments, and the names of files that cannot be read at all. */
export async function recover(files: Files, folder: string): Promise<Recovery> {
  const names = await files.list(folder);
  const all = names.map((name) => fileOf(folder, name)).filter((file) => file !== undefined);
  all.sort((a, b) => a.number - b.number);
  const next = Math.max(0, ...names.map((name) => numberOf(folder, name))) + 1;
  const reading = new Reading(files, folder);
  let base: StoreFile | undefined;
  // A snapshot has its name only once it is whole: the newest one counts, also when it was damaged since.
  for (const file of all.filter(({ kind }) => kind === "snapshot").reverse()) {
    if (base === undefined && (await reading.read(file))) base = file;
  }
  const first = base?.number ?? 1;
  let expected = first;
  for (const file of all) {
    if (file.kind === "snapshot" || file.number < first) continue;
    if (file.number > expected) reading.missing(expected, file.number - 1);
    expected = file.number + 1;
    await reading.read(file);
  }
  // A segment was begun before each snapshot.
  if (base !== undefined && expected === first) reading.missing(first, first);
  const { replay, chain, truncated, losses } = reading;
  const replaced = all.filter((file) => file.number < first || (file.kind === "snapshot" && file !== base));
  return { replay, chain, replaced, next, truncated, losses };
}

function numberOf(folder: string, name: string): number {
  return fileOf(folder, name.replace(/\.corrupt$/, ""))?.number ?? 0;
}

class Reading {
  readonly replay = new Replay();
  readonly chain: StoreFile[] = [];
  readonly losses: Loss[] = [];
  truncated = 0;
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  missing(first: number, last: number): void {
    const file = first === last ? `segment ${first}` : `segments ${first} to ${last}`;
    this.losses.push({ file, bytes: 0, why: "missing" });
  }

  /** False where nothing of it can be read: then it is set aside. */
  async read(file: StoreFile): Promise<boolean> {
    let opened: OpenFile | undefined;
    try {
      opened = await persistently(() => this.#files.open(file.path, "read"));
      const size = await persistently(opened.size);
      const header = await headerOf(opened, size);
      if (fromTheFuture(header)) return await this.#setAside(file, "a later version wrote it");
      await this.#scan(file, opened, size);
      return true;
    } catch (error) {
      if (codeOf(error) !== "EIO") throw error;
      return await this.#setAside(file, "the disk cannot read it");
    } finally {
      await attempt(opened?.close() ?? Promise.resolve());
    }
  }

  async #scan(file: StoreFile, opened: OpenFile, size: number): Promise<void> {
    let malformed = 0;
    this.replay.ended = false;
    this.replay.forget();
    const scanned = await scanFrames(opened, FILE_HEADER, size, file.salt, (bytes, start, end) => {
      if (file.kind === "log") this.replay.forget();
      try {
        this.replay.frame(bytes, start, end);
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        malformed += end - start + FRAME_HEADER;
      }
    });
    this.replay.forget();
    file.bytes = scanned.end;
    this.chain.push(file);
    const tail = Math.max(0, size - scanned.end);
    const damaged = scanned.damaged + malformed;
    // A snapshot had no torn end when it got its name, and what the disk does not give is not torn.
    const lost = damaged + (file.kind === "snapshot" || scanned.unreadable ? tail : 0);
    file.damaged = lost > 0 || (file.kind === "snapshot" && !this.replay.ended);
    if (file.damaged) this.losses.push({ file: file.name, bytes: lost, why: "damaged" });
    if (file.kind === "log" && !scanned.unreadable) await this.#end(file, scanned, tail);
  }

  async #end(file: StoreFile, { end }: Scanned, tail: number): Promise<void> {
    this.truncated += tail;
    // Who was killed had perhaps not synced it. What is given now must not be gone after a power cut.
    const work = async (): Promise<void> => {
      const opened = await this.#files.open(file.path, tail > 0 ? "update" : "read");
      try {
        if (tail > 0) await opened.truncate(end);
        await opened.sync();
      } finally {
        await opened.close();
      }
    };
    await attempt(work());
  }

  async #setAside(file: StoreFile, why: string): Promise<false> {
    this.losses.push({ file: file.name, bytes: 0, why });
    const rename = this.#files.rename(file.path, join(this.#folder, `${file.name}.corrupt`));
    if ((await attempt(rename)) === undefined) await attempt(this.#files.syncFolder(this.#folder));
    return false;
  }
}

/** Zeros where the disk does not give it: it is needed for little. */
async function headerOf(file: OpenFile, size: number): Promise<Buffer> {
  const header = Buffer.alloc(Math.min(FILE_HEADER, size));
  try {
    await readFully(file, header, 0);
    return header;
  } catch (error) {
    if (codeOf(error) !== "EIO") throw error;
    return Buffer.alloc(0);
  }
}
