import { join } from "node:path";
import { makeEpoch } from "../epoch.js";
import { attempt, codeOf, type Files, persistently, writeFully } from "./files.js";

/**
 * The epoch of a folder, in a file of its own: 8 hex digits and a line feed.
 *
 * Invariant: no sequence is given under an epoch under which it was given before, as far as the cursor and the segments know.
 * Without a cursor they may begin again below some that were given, so that a lost cursor costs the epoch too; and nothing is
 * appended before the epoch is on the medium.
 */
export class Epoch {
  readonly text: string;
  readonly #files: Files;
  readonly #folder: string;
  /** It is on the medium. */
  #kept: boolean;

  private constructor(files: Files, folder: string, text: string | undefined) {
    this.#files = files;
    this.#folder = folder;
    this.#kept = text !== undefined;
    this.text = text ?? makeEpoch();
  }

  /** The one in the folder; a new one where there is none that can be read, or it is not to be gone on with. */
  static async open(files: Files, folder: string, goesOn: boolean): Promise<Epoch> {
    return new Epoch(files, folder, goesOn ? await read(files, join(folder, "epoch")) : undefined);
  }

  get kept(): boolean {
    return this.#kept;
  }

  /** Resolves once it is on the medium, in the place of the one there was. Rejects with the system's error. */
  async keep(): Promise<void> {
    if (this.#kept) return;
    const path = join(this.#folder, "epoch");
    const part = `${path}.part`;
    await this.#files.remove(part);
    const file = await this.#files.open(part, "create");
    try {
      await writeFully(file, Buffer.from(`${this.text}\n`), 0);
      await file.sync();
    } finally {
      await attempt(file.close());
    }
    await this.#files.rename(part, path);
    await this.#files.syncFolder(this.#folder);
    this.#kept = true;
  }
}

async function read(files: Files, path: string): Promise<string | undefined> {
  try {
    const text = await persistently(() => files.text(path));
    return /^[0-9a-f]{8}\n$/.test(text) ? text.trimEnd() : undefined;
  } catch (error) {
    if (["ENOENT", "EIO"].includes(codeOf(error))) return undefined;
    throw error;
  }
}
