import { messageOf } from "../../core/errors.js";
import { attempt, codeOf, type Files, persistently, readFully } from "../../outbox/log/files.js";
import { type Bank, decodeBank } from "./bank.js";
import { type Place, pathOf } from "./bank-file.js";

/** What is on disk. */
export interface Found {
  /** Whole; undefined where there is none. */
  readonly bank: Bank | undefined;
  /** Where it is in a file that can be used again; undefined where a new file has to be made. */
  readonly place: Place | undefined;
  /** Why what was stored cannot be read; undefined where it could be, or nothing ever was. */
  readonly unreadable: string | undefined;
}

/** Never rejects. */
export async function recover(files: Files, folder: string, bankBytes: number): Promise<Found> {
  const bytes = Buffer.alloc(2 * bankBytes);
  let length: number;
  try {
    length = await read(files, pathOf(folder), bytes);
  } catch (error) {
    const unreadable = codeOf(error) === "ENOENT" ? undefined : messageOf(error);
    return { bank: undefined, place: undefined, unreadable };
  }
  const [a, b] = [decodeBank(bytes.subarray(0, bankBytes)), decodeBank(bytes.subarray(bankBytes))];
  const second = b !== undefined && (a === undefined || b.generation > a.generation);
  const bank = second ? b : a;
  if (bank === undefined) return { bank, place: undefined, unreadable: "neither of its banks is sound" };
  if (bank.damage !== undefined) return { bank: undefined, place: undefined, unreadable: bank.damage };
  const whole = length === bytes.length;
  return {
    bank,
    place: whole ? { bank: second ? 1 : 0, generation: bank.generation } : undefined,
    unreadable: undefined,
  };
}

/** How many bytes there were. */
async function read(files: Files, path: string, into: Buffer): Promise<number> {
  const file = await persistently(() => files.open(path, "read"));
  try {
    return await readFully(file, into, 0);
  } finally {
    await attempt(file.close());
  }
}
