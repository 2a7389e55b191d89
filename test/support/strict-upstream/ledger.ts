/**
 * The file that survives `kill -9` of the upstream: one JSON line an entry, written before anything is acknowledged. write(2)
 * is enough against the end of a process; a power cut is not meant. What a kill cut off in mid-line was never acknowledged,
 * and is taken back at the next start.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import type { Application, Entry } from "./session.js";

export interface Ledger {
  /** What was in the file when it was opened. */
  readonly entries: readonly Entry[];
  append(entry: Entry): void;
  close(): void;
}

export function openLedger(path: string): Ledger {
  const file = openSync(path, "a+");
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  ftruncateSync(file, whole);
  return {
    entries: parse(bytes.subarray(0, whole).toString()),
    append: (entry) => {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      for (let at = 0; at < line.length; ) at += writeSync(file, line, at);
    },
    close: () => closeSync(file),
  };
}

export interface Tail {
  /** What was added since the last call. */
  read(): Entry[];
  close(): void;
}

/** Reads a ledger while its upstream writes it. */
export function tail(path: string): Tail {
  const file = openSync(path, "a+");
  const chunk = Buffer.alloc(1 << 20);
  let offset = 0;
  return {
    read: () => {
      const entries: Entry[] = [];
      for (;;) {
        const length = readSync(file, chunk, 0, chunk.length, offset);
        const whole = chunk.subarray(0, length).lastIndexOf(0x0a) + 1;
        if (whole === 0) return entries;
        entries.push(...parse(chunk.subarray(0, whole).toString()));
        offset += whole;
      }
    },
    close: () => closeSync(file),
  };
}

/** What the upstream took ownership of, in that order. */
export function owned(entries: readonly Entry[]): Application[] {
  return entries.flatMap((entry) => ("owned" in entry && entry.owned !== undefined ? [entry.owned] : []));
}

function parse(text: string): Entry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);
}
