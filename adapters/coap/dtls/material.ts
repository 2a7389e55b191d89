import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { messageOf, WeirError } from "../../../src/core/errors.js";
import { type PskTable, readPskFile } from "../../../src/core/psk.js";
import {
  DtlsError,
  type OwnKey,
  ownCertificate,
  ownRawPublicKey,
  type Trust,
  trustIn,
} from "../../../src/protocols/dtls/index.js";
import type { DtlsSettings } from "./config.js";

/** What the files of DTLS hold, read and checked together. */
export interface Material {
  readonly psk: PskTable;
  readonly keys: readonly OwnKey[];
  readonly trust: Trust | undefined;
}

/** Which of the settings a file stands under. */
export type FileKey = "psk" | "cert" | "key" | "ca";
export const FILE_KEYS = ["psk", "cert", "key", "ca"] as const satisfies readonly FileKey[];

/** No file of keys of a gateway is as long as this, in bytes: what is, is the wrong file. */
const LONGEST_FILE = 4 * 1024 * 1024;

/** A file that cannot be used, and where it is named. */
export class FileProblem extends WeirError {
  readonly key: FileKey;
  constructor(key: FileKey, message: string) {
    super("CERTIFICATE_INVALID", message);
    this.key = key;
  }
}

/** Reads all of them. Throws a FileProblem, which quotes nothing of a file. */
export function readMaterial(settings: DtlsSettings): Material {
  const text = (key: FileKey): string | undefined => {
    const file = settings[key];
    return file === undefined ? undefined : readFile(key, file);
  };
  const { cert, key, trusted } = settings;
  const pskText = text("psk");
  const certText = text("cert");
  const keyText = text("key");
  const caText = text("ca");
  const psk =
    pskText === undefined ? new Map() : attempt("psk", settings.psk, () => readPskFile(settings.psk ?? "", pskText));
  const keys: OwnKey[] = [];
  if (keyText !== undefined) {
    // Read first, so that a key that cannot be read is no fault of the certificate.
    const raw = attempt("key", key, () => ownRawPublicKey(keyText));
    if (certText !== undefined) keys.push(attempt("cert", cert, () => ownCertificate(certText, keyText)));
    // A device may want either.
    keys.push(raw);
  }
  const believed = caText !== undefined || trusted.length > 0;
  const authorities = caText === undefined ? [] : [caText];
  const trust = believed ? attempt("ca", settings.ca, () => trustIn(authorities, trusted)) : undefined;
  return { psk, keys, trust };
}

function attempt<T>(key: FileKey, file: string | undefined, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DtlsError) throw new FileProblem(key, `${file ?? key}: ${error.message}`);
    throw error instanceof WeirError ? new FileProblem(key, error.message) : error;
  }
}

/** As Latin-1, so that the bytes of UTF-8 are still there. Never waits: a pipe without a writer would hang the start. */
function readFile(key: FileKey, path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(file);
    if (!status.isFile()) throw new FileProblem(key, `${path}: is not a regular file`);
    if (status.size > LONGEST_FILE) throw new FileProblem(key, `${path}: is larger than ${LONGEST_FILE} bytes`);
    const buffer = Buffer.alloc(status.size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null);
    if (length > status.size) throw new FileProblem(key, `${path}: changed while it was read`);
    return buffer.toString("latin1", 0, length);
  } catch (error) {
    throw error instanceof FileProblem ? error : new FileProblem(key, `${path}: cannot be read: ${messageOf(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Whether group or others may read it; Windows has no such bits. */
export function isExposed(file: string): boolean {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  return process.platform !== "win32" && (mode & 0o044) !== 0;
}

/** Another text where any of the files is another one, or was written. */
export function stampOf(settings: DtlsSettings): string {
  return FILE_KEYS.map((key) => {
    const file = settings[key];
    const status = file === undefined ? undefined : statSync(file, { bigint: true, throwIfNoEntry: false });
    return status === undefined ? "" : `${status.ino} ${status.mtimeNs} ${status.ctimeNs} ${status.size}`;
  }).join("|");
}
