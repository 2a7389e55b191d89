import { open } from "node:fs/promises";
import { messageOf, WeirError } from "../../../core/errors.js";

/** One part of a PEM file (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `X509 CRL`, `EC PRIVATE KEY`, ... */
  readonly label: string;
  readonly text: string;
  /** Of its BEGIN, from 1. */
  readonly line: number;
}

/** No certificate, list or file of keys of a gateway is as long as this, in bytes: what is, is the wrong file. */
const LONGEST_FILE = 4 * 1024 * 1024;

export function invalid(file: string, what: string, line?: number): WeirError {
  return new WeirError("CERTIFICATE_INVALID", `${file}${line === undefined ? "" : `:${line}`}: ${what}`);
}

/** Rejects with CERTIFICATE_INVALID. */
export async function readBounded(file: string): Promise<string> {
  const bytes = await readBytes(file).catch((error: unknown) => {
    throw error instanceof WeirError ? error : invalid(file, `cannot be read: ${messageOf(error)}`);
  });
  return bytes.toString("latin1");
}

async function readBytes(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    // Not all at once what most files need a thousandth of; and a file may grow while it is read.
    const { size } = await handle.stat();
    if (size > LONGEST_FILE) throw invalid(file, `is larger than ${LONGEST_FILE} bytes`);
    const bytes = Buffer.alloc(size + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
    throw invalid(file, "changed while it was read");
  } finally {
    await handle.close();
  }
}

/** The parts of a PEM file. Text around them is a comment. Throws CERTIFICATE_INVALID where one does not end. */
export function pemBlocks(file: string, text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let begun: { label: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, edge, label = ""] = /^-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----\s*$/.exec(line) ?? [];
    if (edge === "BEGIN") {
      if (begun !== undefined) throw invalid(file, `the ${begun.label} has no END`, begun.line);
      begun = { label, line: index + 1, lines: [] };
    }
    begun?.lines.push(line);
    if (edge !== "END" || begun === undefined) continue;
    if (begun.label !== label) throw invalid(file, `the ${begun.label} ends as ${label}`, index + 1);
    blocks.push({ label, line: begun.line, text: `${begun.lines.join("\n")}\n` });
    begun = undefined;
  }
  if (begun !== undefined) throw invalid(file, `the ${begun.label} has no END`, begun.line);
  return blocks;
}
