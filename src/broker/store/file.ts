import { randomInt } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "../../outbox/log/crc.js";

/**
 * A file of the store: a segment, to which what happens is appended, or a snapshot of all that was alive. On disk: a header, then
 * frames (frame.ts).
 *
 *   0  8  "WEIR-STO"
 *   8  2  version, 1
 *  10  6  number
 *  16  4  CRC-32 of the above
 *
 * Its name says its number and its salt: `<number>-<salt>.log`, `<number>-<salt>.snapshot`. So the header is needed for nothing
 * but to tell a later version.
 */
export interface StoreFile {
  readonly kind: "log" | "snapshot";
  /** Segments have consecutive ones. A snapshot has that of the segment that was begun before it. */
  readonly number: number;
  readonly salt: number;
  readonly name: string;
  readonly path: string;
  /** Of what counts. */
  bytes: number;
  /** Something in it cannot be read: it is set aside instead of deleted. */
  damaged: boolean;
}

export const FILE_HEADER = 20;
const MAGIC = Buffer.from("WEIR-STO");
const VERSION = 1;
const NAME = /^(\d{12})-([0-9a-f]{8})\.(log|snapshot)$/;

export function newFile(folder: string, kind: "log" | "snapshot", number: number): StoreFile {
  const salt = randomInt(2 ** 32);
  const name = `${String(number).padStart(12, "0")}-${salt.toString(16).padStart(8, "0")}.${kind}`;
  return { kind, number, salt, name, path: join(folder, name), bytes: FILE_HEADER, damaged: false };
}

/** Undefined where it is not the name of a file of the store. */
export function fileOf(folder: string, name: string): StoreFile | undefined {
  const [, number, salt, kind] = NAME.exec(name) ?? [];
  if (number === undefined || salt === undefined || (kind !== "log" && kind !== "snapshot")) return undefined;
  const path = join(folder, name);
  return { kind, number: Number(number), salt: Number.parseInt(salt, 16), name, path, bytes: 0, damaged: false };
}

export function encodeHeader(number: number): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUIntLE(number, 10, 6);
  bytes.writeUInt32LE(crc32(bytes, 0, 16), 16);
  return bytes;
}

/** Whether a later Weir wrote it, in a way that this one does not know. A header that is merely damaged says nothing. */
export function fromTheFuture(header: Buffer): boolean {
  if (header.length < FILE_HEADER || !header.subarray(0, 8).equals(MAGIC)) return false;
  return header.readUInt32LE(16) === crc32(header, 0, 16) && header.readUInt16LE(8) !== VERSION;
}
