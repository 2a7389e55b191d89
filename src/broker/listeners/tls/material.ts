import { createHash } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { ListenerTls } from "../../../config/index.js";
import { messageOf } from "../../../core/errors.js";
import { type PskTable, readPskFile } from "../../../core/psk.js";
import { checkPair, readCertificates, readKey } from "./certificates.js";
import { invalid, readBounded } from "./files.js";
import { readRevocationLists } from "./revocation.js";
import { contextOptions } from "./suites.js";

/** Something that ends at a time, ms since the epoch. */
export interface Ending {
  readonly what: "certificate" | "crl";
  readonly file: string;
  readonly at: number;
}

/** What a listener's files hold, read and checked together. */
export interface Material {
  readonly context: SecureContextOptions;
  readonly keys: PskTable;
  readonly endings: readonly Ending[];
  /** Another one where anything in the files is another. */
  readonly fingerprint: string;
}

/** Reads all files anew. Rejects with CERTIFICATE_INVALID, so that half of a renewal is never used. */
export async function readMaterial(tls: ListenerTls): Promise<Material> {
  const hash = createHash("sha256");
  const endings: Ending[] = [];
  const read = async (file: string): Promise<string> => {
    const text = await readBounded(file);
    hash.update(`${text.length} `).update(text);
    return text;
  };
  /** A certificate that is out of date still serves clients who do not look; the journal tells of it. */
  const certificates = async (file: string, own: boolean) => {
    const text = await read(file);
    const found = readCertificates(file, text);
    const ends = found.map(({ certificate }) => Date.parse(certificate.validTo));
    if (own) endings.push({ what: "certificate", file, at: Math.min(...ends) });
    return { file, text, certificates: found };
  };
  const context: SecureContextOptions = { ...contextOptions(tls) };
  if (tls.cert !== undefined && tls.key !== undefined) {
    const cert = await certificates(tls.cert, true);
    const chain = tls.chain === undefined ? "" : (await certificates(tls.chain, true)).text;
    const key = await read(tls.key);
    checkPair(cert, { file: tls.key, key: readKey(tls.key, key) });
    context.cert = `${cert.text}\n${chain}`;
    context.key = key;
  }
  if (tls.ca !== undefined) context.ca = (await certificates(tls.ca, false)).text;
  const lists: string[] = [];
  for (const file of tls.crl) {
    for (const { pem, nextUpdate } of readRevocationLists(file, await read(file))) {
      lists.push(pem);
      if (nextUpdate !== undefined) endings.push({ what: "crl", file, at: nextUpdate });
    }
  }
  if (lists.length > 0) context.crl = lists;
  const keys: PskTable = tls.psk === undefined ? new Map() : readPskFile(tls.psk, await read(tls.psk));
  tryContext(tls, context);
  return { context, keys, endings, fingerprint: hash.digest("hex") };
}

/** OpenSSL has the last word: a key that is too short for it, or a list that it cannot read. */
function tryContext(tls: ListenerTls, context: SecureContextOptions): void {
  try {
    createSecureContext(context);
  } catch (error) {
    throw invalid(
      [tls.cert, tls.key, tls.ca, ...tls.crl].find((file) => file !== undefined) ?? "tls",
      messageOf(error),
    );
  }
}
