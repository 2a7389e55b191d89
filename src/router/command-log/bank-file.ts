import { randomInt } from "node:crypto";
import { join } from "node:path";
import { messageOf } from "../../core/errors.js";
import {
  attempt,
  codeOf,
  type Files,
  type OpenFile,
  persistently,
  readFully,
  writeFully,
} from "../../outbox/log/files.js";
import { BANK_HEADER, type Bank, decodeBank, encodeBank, encodeFrame } from "./bank.js";
import type { Note } from "./entry.js";

/** Which of the two banks counts, and its generation. */
interface Place {
  readonly bank: 0 | 1;
  readonly generation: number;
}

export interface Recovered {
  readonly notes: readonly Note[];
  /** Why some or all of what was stored cannot be read; undefined where it could be, or nothing ever was. */
  readonly damage: string | undefined;
}

/** The file of two banks. Its methods are not for two calls at a time. See command-log.ts for what holds after a crash. */
export class BankFile {
  readonly path: string;
  readonly #files: Files;
  readonly #folder: string;
  readonly #bankBytes: number;
  /** The bank that is never written over; undefined where a new file has to be made. */
  #counts: Place | undefined;
  /** Where the next frame goes in that bank, and its salt; undefined where a snapshot has to come first. */
  #open: { readonly salt: number; end: number } | undefined;
  #file: OpenFile | undefined;

  constructor(files: Files, folder: string, bankBytes: number) {
    this.path = join(folder, "log");
    this.#files = files;
    this.#folder = folder;
    this.#bankBytes = bankBytes;
  }

  /** Whether all that was given to it is stored, and frames can follow. */
  get ready(): boolean {
    return this.#open !== undefined;
  }

  /** Reads what is stored. What is damaged is kept as `log.corrupt`. Called once, before all else. Never rejects. */
  async recover(): Promise<Recovered> {
    let banks: readonly [Bank | undefined, Bank | undefined];
    let whole: boolean;
    try {
      const bytes = Buffer.alloc(2 * this.#bankBytes);
      whole = (await this.#read(bytes)) === bytes.length;
      banks = [decodeBank(bytes.subarray(0, this.#bankBytes)), decodeBank(bytes.subarray(this.#bankBytes))];
    } catch (error) {
      return { notes: [], damage: codeOf(error) === "ENOENT" ? undefined : messageOf(error) };
    }
    const [a, b] = banks;
    const second = b !== undefined && (a === undefined || b.generation > a.generation);
    const bank = second ? b : a;
    const damage = bank === undefined ? "neither of its banks is sound" : bank.damage;
    if (damage !== undefined) await attempt(this.#files.copy(this.path, `${this.path}.corrupt`));
    else if (bank !== undefined && whole) this.#counts = { bank: second ? 1 : 0, generation: bank.generation };
    return { notes: bank?.notes ?? [], damage };
  }

  /**
   * Stores notes as one frame; false where the bank has no room for it, and then nothing is done. Rejects with the system's error:
   * from then on it is not ready, and only a snapshot helps. For after a failed write or fsync nobody knows what the bank holds.
   */
  async append(notes: readonly Note[], sync: boolean): Promise<boolean> {
    const [open, file, counts] = [this.#open, this.#file, this.#counts];
    if (open === undefined || file === undefined || counts === undefined) throw new Error("it is not ready");
    const frame = encodeFrame(open.salt, notes);
    if (open.end + frame.length > this.#bankBytes) return false;
    try {
      await writeFully(file, frame, counts.bank * this.#bankBytes + open.end);
      if (sync) await file.sync();
      open.end += frame.length;
      return true;
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
  }

  /** Stores all that is known in the other bank, and goes on there. Rejects like `append`. */
  async replace(notes: Iterable<Note>): Promise<void> {
    this.#open = undefined;
    const generation = (this.#counts?.generation ?? 0) + 1;
    const salt = randomInt(1, 2 ** 32);
    const snapshot = encodeBank(generation, salt, notes);
    if (snapshot.length > this.#bankBytes) throw new RangeError(`${snapshot.length} bytes do not fit in a bank`);
    try {
      if (this.#counts === undefined) await this.#make(generation, snapshot);
      else await this.#switch(this.#counts, generation, snapshot);
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

  async #read(into: Buffer): Promise<number> {
    const file = await persistently(() => this.#files.open(this.path, "read"));
    try {
      return await readFully(file, into, 0);
    } finally {
      await attempt(file.close());
    }
  }

  async #switch(before: Place, generation: number, snapshot: Buffer): Promise<void> {
    this.#file ??= await this.#files.open(this.path, "update");
    const bank = before.bank === 0 ? 1 : 0;
    await writeFully(this.#file, snapshot, bank * this.#bankBytes);
    await this.#file.sync();
    this.#counts = { bank, generation };
    // Not before: up to here a crash leaves the one before. From here on that would be what was known long ago.
    await attempt(writeFully(this.#file, Buffer.alloc(BANK_HEADER), before.bank * this.#bankBytes));
  }

  /** A new file, which has its name only once it is whole: one of that name without a sound bank is damaged. */
  async #make(generation: number, snapshot: Buffer): Promise<void> {
    const part = `${this.path}.part`;
    await this.#giveUp();
    await this.#files.makeFolder(this.#folder);
    await this.#files.remove(part);
    this.#file = await this.#files.open(part, "create");
    // All of it now: later writes are to need no space on a disk that is full.
    const whole = Buffer.alloc(2 * this.#bankBytes);
    snapshot.copy(whole);
    await writeFully(this.#file, whole, 0);
    await this.#file.sync();
    await this.#files.rename(part, this.path);
    await this.#files.syncFolder(this.#folder);
    this.#counts = { bank: 0, generation };
  }

  async #giveUp(): Promise<void> {
    this.#open = undefined;
    const file = this.#file;
    this.#file = undefined;
    await attempt(file?.close() ?? Promise.resolve());
  }
}
