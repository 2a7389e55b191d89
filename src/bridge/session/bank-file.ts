import { randomInt } from "node:crypto";
import { join } from "node:path";
import { attempt, codeOf, type Files, type OpenFile, writeFully } from "../../outbox/log/files.js";
import { BANK_HEADER, type Epochs, encodeFrame, encodeSnapshot } from "./bank.js";
import type { Change } from "./session.js";

export interface BankFileOptions {
  readonly files: Files;
  readonly folder: string;
  /** Of one bank. */
  readonly bankBytes: number;
  readonly epochs: Epochs;
  /** Whether each frame is synced. */
  readonly syncs: boolean;
}

/** Which of the two banks of the file counts, and its generation. */
export interface Place {
  readonly bank: 0 | 1;
  readonly generation: number;
}

export function pathOf(folder: string): string {
  return join(folder, "session");
}

/** The file, for writing. Its methods are not for two calls at a time. See store.ts for what holds after a crash. */
export class BankFile {
  readonly #options: BankFileOptions;
  /** The bank that is never written over; undefined where there is no file, or none worth keeping. */
  #counts: Place | undefined;
  /** Where the next frame goes in that bank, and its salt; undefined where a snapshot has to come first. */
  #open: { readonly salt: number; end: number } | undefined;
  #file: OpenFile | undefined;

  constructor(options: BankFileOptions, found: Place | undefined) {
    this.#options = options;
    this.#counts = found;
  }

  /** Whether all that was given to it is stored, and frames can follow. */
  get ready(): boolean {
    return this.#open !== undefined;
  }

  /**
   * Stores changes as one frame; false where the bank has no room for it, and then nothing is done. Rejects with the system's error:
   * from then on it is not ready, and only a snapshot helps. For after a failed write or fsync nobody knows what the bank holds.
   */
  async append(changes: readonly Change[]): Promise<boolean> {
    const [open, file, counts] = [this.#open, this.#file, this.#counts];
    if (open === undefined || file === undefined || counts === undefined) throw new Error("it is not ready");
    const frame = encodeFrame(open.salt, changes);
    if (open.end + frame.length > this.#options.bankBytes) return false;
    try {
      await writeFully(file, frame, counts.bank * this.#options.bankBytes + open.end);
      if (this.#options.syncs) await file.sync();
      open.end += frame.length;
      return true;
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
  }

  /** Stores the whole state, which `changes` make from nothing, in the other bank, and goes on there. Rejects like `append`. */
  async replace(changes: readonly Change[]): Promise<void> {
    const { epochs, bankBytes } = this.#options;
    this.#open = undefined;
    const generation = (this.#counts?.generation ?? 0) + 1;
    const salt = randomInt(1, 2 ** 32);
    const snapshot = encodeSnapshot({ generation, salt, epochs, changes });
    if (snapshot.length > bankBytes) {
      throw new RangeError(`the state of ${snapshot.length} bytes is larger than the ${bankBytes} there are for it`);
    }
    try {
      if (this.#counts !== undefined) await this.#switch(this.#counts, generation, snapshot);
      else await this.#make(generation, snapshot);
    } catch (error) {
      if (codeOf(error) === "ENOENT") this.#counts = undefined; // somebody removed the file
      await this.#giveUp();
      throw error;
    }
    this.#open = { salt, end: snapshot.length };
  }

  async close(): Promise<void> {
    if (this.ready) await attempt(this.#file?.sync() ?? Promise.resolve());
    await this.#giveUp();
  }

  async #switch(before: Place, generation: number, snapshot: Buffer): Promise<void> {
    const { files, folder, bankBytes } = this.#options;
    this.#file ??= await files.open(pathOf(folder), "update");
    const bank = before.bank === 0 ? 1 : 0;
    await writeFully(this.#file, snapshot, bank * bankBytes);
    await this.#file.sync();
    this.#counts = { bank, generation };
    // Not before: up to here a crash leaves the one before. From here on that would be a state of long ago, should this bank rot.
    await attempt(writeFully(this.#file, Buffer.alloc(BANK_HEADER), before.bank * bankBytes));
  }

  /** A new file, which has its name only once it is whole: one of that name without a sound bank is damaged. */
  async #make(generation: number, snapshot: Buffer): Promise<void> {
    const { files, folder, bankBytes } = this.#options;
    const part = `${pathOf(folder)}.part`;
    await files.makeFolder(folder);
    await files.remove(part);
    this.#file = await files.open(part, "create");
    // All of it now: later writes are to need no space on a disk that is full.
    const whole = Buffer.alloc(2 * bankBytes);
    snapshot.copy(whole);
    await writeFully(this.#file, whole, 0);
    await this.#file.sync();
    await files.rename(part, pathOf(folder));
    await files.syncFolder(folder);
    this.#counts = { bank: 0, generation };
  }

  async #giveUp(): Promise<void> {
    this.#open = undefined;
    const file = this.#file;
    this.#file = undefined;
    await attempt(file?.close() ?? Promise.resolve());
  }
}
