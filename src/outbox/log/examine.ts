import { codeOf, type Files, type OpenFile, persistently, readFully } from "./files.js";
import { findLater, type Place, type Scanner, type Visit } from "./scan.js";
import { fromTheFuture, SEGMENT_HEADER, type Segment } from "./segment.js";

/** What a file turned out to hold, behind the sound records that `visit` saw. */
export interface Found {
  /** The sequence that should follow the last sound record. */
  readonly next: number;
  /** The file's size, in bytes. */
  readonly size: number;
  /**
   * `clean`: the file, or its part of the log, ends with a sound record. `tail`: something follows that is none.
   * `unreadable`: the medium gives nothing more. `unknown`: a later Weir wrote it.
   */
  readonly state: "clean" | "tail" | "unreadable" | "unknown";
  /** For a tail that no other segment follows: the last sequence of which there is a sound record in it. */
  readonly later: number | undefined;
}

/**
 * Reads one segment, up to the first sequence of the next one if there is one. Rejects with the system's error unless that is
 * about the medium (EIO).
 */
export async function examine(
  files: Files,
  scanner: Scanner,
  segment: Segment,
  limit: number | undefined,
  visit: Visit,
): Promise<Found> {
  const nothing: Found = { next: segment.first, size: 0, state: "unreadable", later: undefined };
  let file: OpenFile | undefined;
  try {
    const opened = await persistently(() => files.open(segment.path, "read"));
    file = opened;
    const size = await persistently(() => opened.size());
    const header = Buffer.alloc(Math.min(SEGMENT_HEADER, size));
    await readFully(opened, header, 0);
    if (fromTheFuture(header)) return { ...nothing, size, state: "unknown" };
    const place: Place = { offset: SEGMENT_HEADER, sequence: segment.first };
    const until: Place = { offset: size, sequence: limit ?? Number.POSITIVE_INFINITY };
    const end = await scanner.scan(opened, place, until, visit);
    // What follows the records that count is of a write that failed, if the next segment begins there.
    const clean = end.offset >= size;
    const later = clean || limit !== undefined ? undefined : await findLater(opened, end, size);
    return { next: end.sequence, size, state: clean ? "clean" : "tail", later };
  } catch (error) {
    if (codeOf(error) !== "EIO") throw error;
    return { ...nothing, next: segment.first + segment.count };
  } finally {
    await file?.close();
  }
}
