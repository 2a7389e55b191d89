import { join } from "node:path";
import type { Position } from "./cursor.js";
import { examine, type Found } from "./examine.js";
import { attempt, type Files } from "./files.js";
import { outside, type Range, withRange } from "./ranges.js";
import { appendedAt, RECORD_HEADER } from "./record.js";
import { type Place, Scanner, type Visit } from "./scan.js";
import { corruptName, emptySegment, firstOf, SEGMENT_HEADER, type Segment, segmentName } from "./segment.js";

/** Sequences that were in the log and cannot be read any more. */
export interface Loss extends Range {
  /** The segment's name. A copy of it ends in `.corrupt`, unless the whole file is missing. */
  readonly file: string;
}

export interface Recovery {
  /** With records that are not acknowledged, in order. */
  readonly segments: Segment[];
  /** Files of which nothing is left to send: to be deleted once the cursor is safe. */
  readonly finished: readonly string[];
  /** The sequence of the next message. */
  readonly next: number;
  /** Everything up to it is done, and of the rest what is gone. */
  readonly position: Position;
  /** Where the first record is that is not acknowledged. */
  readonly start: Place;
  readonly messages: number;
  /** Topic and payload bytes of those. */
  readonly bytes: number;
  /** When the first of them was appended, ms since the Unix epoch. */
  readonly oldest: number | undefined;
  /** Cut off the ends of files: of writes that never finished. */
  readonly truncatedBytes: number;
  readonly losses: readonly Loss[];
}

/**
 * Reads the whole log from the cursor on, checks every record and mends what can be mended. Bad content never stops it: it rejects
 * only with an error of the system that is about neither content nor medium (EACCES, EMFILE). A disk that cannot be written is
 * not mended, and is read the same way again the next time.
 *
 * What a segment holds counts up to its first record that is not sound, and no further than the next segment's first sequence.
 * - If the next segment goes on with the very sequence that is not sound, nothing is missing: the rest is of a write that failed.
 * - Otherwise what lies between is lost, save what the cursor knows to be gone. The segment is kept as a copy before it is cut.
 * - Behind the last segment, the cursor's word on what was stored and sound records further on tell damage from a torn end.
 */
export async function recover(files: Files, folder: string, cursor: Position | undefined): Promise<Recovery> {
  const names = await files.list(folder);
  const firsts = names.flatMap((name) => firstOf(name) ?? []).sort((a, b) => a - b);
  const { acknowledged, stored } = cursor ?? { acknowledged: 0, stored: 1 };
  const scanner = new Scanner();
  const [segments, finished, losses]: [Segment[], string[], Loss[]] = [[], [], []];
  let gone: readonly Range[] = withRange(cursor?.gone ?? [], { first: 1, last: acknowledged });
  let start: Place = { offset: SEGMENT_HEADER, sequence: 0 };
  let oldest: number | undefined;
  let messages = 0;
  let truncatedBytes = 0;
  // Without a cursor nobody knows what was deleted in front of the first segment.
  let next = cursor === undefined ? (firsts[0] ?? 1) : acknowledged + 1;

  const lose = (range: Range, file: string): boolean => {
    const lost = outside(range, gone);
    for (const part of lost) losses.push({ ...part, file });
    gone = withRange(gone, range);
    return lost.length > 0;
  };

  for (const [index, first] of firsts.entries()) {
    const segment = emptySegment(folder, first);
    const limit = firsts[index + 1];
    const before = { first: next, last: first - 1 };
    // Whole segments that are not there. Without a cursor they may have been deleted on purpose.
    if (cursor === undefined) gone = withRange(gone, before);
    else lose(before, segmentName(next));
    // Only whole segments are ever gone, or the rest of one: if its first sequence is, all of it is.
    const dropped = first > acknowledged && outside({ first, last: first }, gone).length === 0;
    if (dropped || (limit !== undefined && limit <= acknowledged + 1)) {
      finished.push(segment.path);
      continue;
    }
    const visit: Visit = (buffer, at, length, sequence) => {
      segment.count += 1;
      segment.end += length;
      if (sequence <= acknowledged) return true;
      if (messages === 0) {
        oldest = appendedAt(buffer, at);
        start = { offset: segment.end - length, sequence };
      }
      messages += 1;
      segment.live += 1;
      segment.unread += length - RECORD_HEADER;
      return true;
    };
    const found = await examine(files, scanner, segment, limit, visit);
    const last = lastOf(found, limit, stored);
    next = Math.max(next, first, last + 1);
    if (
      found.state !== "clean" &&
      (lose({ first: found.next, last }, segmentName(first)) || found.state === "unknown")
    ) {
      await setAside(files, folder, names, segment);
    } else if (found.size > segment.end) {
      truncatedBytes += found.size - segment.end;
      await attempt(cut(files, segment));
    } else if (limit === undefined && segment.live > 0) {
      // Who was killed had perhaps not synced it. What is given now must not be gone after a power cut, and its sequence given anew.
      await attempt(secure(files, segment));
    }
    if (segment.live > 0) segments.push(segment);
    else if (segment.count > 0 || !segment.damaged) finished.push(segment.path);
  }
  // The last segment is shorter than it was, or is not there at all.
  lose({ first: next, last: stored - 1 }, segmentName(segments.at(-1)?.first ?? next));
  next = Math.max(next, ...gone.map((range) => range.last + 1));
  const done = messages === 0 ? next - 1 : Math.max(acknowledged, start.sequence - 1);
  const position = { acknowledged: done, stored: next, gone: gone.filter((range) => range.last > done) };
  if (messages === 0) start = { offset: SEGMENT_HEADER, sequence: next };
  const bytes = segments.reduce((sum, segment) => sum + segment.unread, 0);
  return { segments, finished, next, position, start, messages, bytes, oldest, truncatedBytes, losses };
}

/** The last sequence that was in the file, or in those that followed and are gone, as far as that can be known. */
function lastOf(found: Found, limit: number | undefined, stored: number): number {
  if (found.state === "clean") return found.next - 1;
  if (limit !== undefined) return limit - 1;
  // A medium that cannot be read, or a layout that is not known, has one record at least.
  const least = found.state === "tail" ? found.next - 1 : found.next;
  return Math.max(least, stored - 1, found.later ?? 0);
}

/** Keeps all of a damaged segment under another name, and of the segment itself what is sound. */
async function setAside(files: Files, folder: string, names: readonly string[], segment: Segment): Promise<void> {
  const whole = segment.count === 0;
  const copy = corruptName(segment.first, names);
  const work = async (): Promise<void> => {
    await (whole ? files.rename : files.copy)(segment.path, join(folder, copy));
    await files.syncFolder(folder);
    if (!whole) await cut(files, segment);
  };
  // What cannot be copied (a full disk, a bad sector) is not cut, and renamed once its sound part is done.
  const failed = (await attempt(work())) !== undefined;
  segment.damaged = failed || whole;
}

async function secure(files: Files, segment: Segment): Promise<void> {
  const file = await files.open(segment.path, "read");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function cut(files: Files, segment: Segment): Promise<void> {
  const file = await files.open(segment.path, "update");
  try {
    await file.truncate(segment.end);
    await file.sync();
  } finally {
    await file.close();
  }
}
