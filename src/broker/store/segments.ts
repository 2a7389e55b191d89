import { join } from "node:path";
import { attempt, type Files, type OpenFile, writeFully } from "../../outbox/log/files.js";
import { encodeHeader, newFile, type StoreFile } from "./file.js";
import { type Frame, seal } from "./frame.js";

export interface SegmentsOptions {
  readonly files: Files;
  readonly folder: string;
  /** False: nothing is synced, the system writes when it likes. */
  readonly syncs: boolean;
}

/**
 * The files that count, and the segment that is written to.
 *
 * Invariants
 * - `chain` is the snapshot, if there is one, and all segments from its number on, in order;
 * - a segment is written to by the process that made it, and never again once a write or sync of it failed: after a failed fsync
 *   the system forgets what it did not write, so a second one that succeeds proves nothing. What else was in it and not synced
 *   is then in `doubt`;
 * - a file is in the folder before anything in it counts as synced.
 */
export class Segments {
  readonly chain: StoreFile[];
  /** What was written before the last failure may not be on the medium. */
  doubt = false;
  readonly #options: SegmentsOptions;
  #next: number;
  #active: { readonly segment: StoreFile; readonly file: OpenFile } | undefined;
  /** Written since the last sync. */
  #dirty = false;
  /** Not in the chain any more, still on disk. */
  #replaced: StoreFile[];
  /** What writes runs one after another. */
  #lane: Promise<unknown> = Promise.resolve();

  constructor(options: SegmentsOptions, chain: StoreFile[], replaced: StoreFile[], next: number) {
    this.#options = options;
    this.chain = chain;
    this.#replaced = replaced;
    this.#next = next;
  }

  /** Bytes of the chain's segments. */
  get log(): number {
    return this.chain.reduce((sum, { kind, bytes }) => sum + (kind === "log" ? bytes : 0), 0);
  }

  /** Bytes of the chain's snapshot. */
  get snapshot(): number {
    const [first] = this.chain;
    return first?.kind === "snapshot" ? first.bytes : 0;
  }

  /** Writes what `take` gives once it is its turn, and syncs it if asked. Rejects with the system's error. */
  write(take: () => readonly Frame[], sync: boolean): Promise<void> {
    return this.#alone(async () => {
      const frames = take();
      if (frames.length === 0 && !(sync && this.#dirty)) return;
      const { segment, file } = this.#active ?? (await this.#create());
      let end = segment.bytes;
      let written = false;
      try {
        for (const piece of piecesOf(frames, segment.salt)) {
          await writeFully(file, piece, end);
          end += piece.length;
        }
        written = true;
        if (sync) await file.sync();
      } catch (error) {
        await this.#abandon(written);
        throw error;
      }
      this.#dirty = !sync;
      segment.bytes = end;
    });
  }

  /** Begins a new segment: its number. What was written before is synced first. */
  roll(): Promise<number> {
    return this.#alone(async () => {
      try {
        if (this.#dirty && this.#options.syncs) await this.#active?.file.sync();
        this.#dirty = false;
      } catch (error) {
        await this.#abandon(true);
        throw error;
      }
      await this.#release();
      return (await this.#create()).segment.number;
    });
  }

  /** Tries whether there is room for `bytes`: writes that much and takes it back. Rejects where there is not. */
  rehearse(bytes: number): Promise<void> {
    return this.#alone(async () => {
      const { segment, file } = this.#active ?? (await this.#create());
      try {
        await writeFully(file, Buffer.alloc(bytes), segment.bytes);
        // Some file systems find the room, or the lack of it, only now.
        await file.sync();
        this.#dirty = false;
        await file.truncate(segment.bytes);
      } catch (error) {
        await this.#abandon(false);
        throw error;
      }
    });
  }

  /** A snapshot is on the medium as `part`: gives it its name, and removes what it takes the place of once that is there too. */
  replace(snapshot: StoreFile, part: string): Promise<void> {
    return this.#alone(async () => {
      const { files, folder } = this.#options;
      try {
        await files.rename(part, snapshot.path);
        await files.syncFolder(folder);
      } catch (error) {
        // Whether it has its name after a crash or not: the chain is whole with it and without it.
        await attempt(files.remove(part));
        this.#replaced.push(snapshot);
        throw error;
      }
      const kept = this.chain.filter(({ kind, number }) => kind === "log" && number >= snapshot.number);
      this.#replaced.push(...this.chain.filter((file) => !kept.includes(file)));
      this.chain.splice(0, this.chain.length, snapshot, ...kept);
      await this.#remove();
    });
  }

  /**
   * Removes what was replaced; what is damaged is set aside. What fails is tried again the next time. The names that were found
   * are made sure of before: whoever was killed had perhaps not come to that, and with the power the name of a snapshot would
   * be gone and what it took the place of too.
   */
  tidy(): Promise<void> {
    return this.#alone(async () => {
      const { files, folder } = this.#options;
      if ((await attempt(files.syncFolder(folder))) === undefined) await this.#remove();
    });
  }

  close(): Promise<void> {
    return this.#alone(() => this.#release());
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lane.then(work);
    this.#lane = done.catch(() => undefined); // whoever asked for it is told
    return done;
  }

  async #create(): Promise<{ readonly segment: StoreFile; readonly file: OpenFile }> {
    const { files, folder } = this.#options;
    const segment = newFile(folder, "log", this.#next);
    const file = await files.open(segment.path, "create");
    try {
      await writeFully(file, encodeHeader(segment.number), 0);
      await files.syncFolder(folder);
    } catch (error) {
      await attempt(file.close());
      await attempt(files.remove(segment.path));
      throw error;
    }
    this.#next += 1;
    this.chain.push(segment);
    this.#active = { segment, file };
    return this.#active;
  }

  /** Ends the active segment after what counts. `failed`: it was a sync that failed. */
  async #abandon(failed: boolean): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    await attempt(active.file.truncate(active.segment.bytes));
    // What was written before, and is not held any more.
    if (this.#dirty && this.#options.syncs && (failed || (await attempt(active.file.sync())) !== undefined))
      this.doubt = true;
    await this.#release();
  }

  async #release(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    this.#dirty = false;
    await attempt(active?.file.close() ?? Promise.resolve());
  }

  async #remove(): Promise<void> {
    const { files, folder } = this.#options;
    for (const file of this.#replaced) {
      const aside = join(folder, `${file.name}.corrupt`);
      const gone = file.damaged ? files.rename(file.path, aside) : files.remove(file.path);
      if ((await attempt(gone)) === undefined) this.#replaced = this.#replaced.filter((other) => other !== file);
    }
  }
}

/** Frames as they go into the file, joined where they follow each other in memory. */
export function piecesOf(frames: readonly Frame[], salt: number): Buffer[] {
  const pieces: { bytes: Buffer; start: number; end: number }[] = [];
  for (const frame of frames) {
    seal(frame, salt);
    const last = pieces.at(-1);
    if (last !== undefined && last.bytes === frame.bytes && last.end === frame.start) last.end = frame.end;
    else pieces.push({ ...frame });
  }
  return pieces.map(({ bytes, start, end }) => bytes.subarray(start, end));
}

export function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { start, end }) => sum + end - start, 0);
}
