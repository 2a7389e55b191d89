import type { Journal } from "../../core/journal.js";
import type { Outbox } from "../outbox.js";
import type { Files } from "./files.js";
import type { Loss } from "./recovery.js";

export interface DurableOutboxOptions {
  /** The bridge it serves, for the journal. */
  readonly id: string;
  /** Made if it is not there; nothing else may be in it. */
  readonly folder: string;
  readonly maxMessages: number;
  /** Of topics and payloads. On disk 28 bytes come with each message, and up to two segments that are nearly done. */
  readonly maxBytes: number;
  readonly whenFull: "drop-oldest" | "drop-newest" | "refuse";
  /**
   * When `append` resolves, and what a power cut may cost. `commit`: QoS 1 and 2 once they are on the medium, QoS 0 at once.
   * `interval`: at once; a power cut costs the last `interval`. `none`: at once; the system syncs when it likes. With each of them
   * the end of the process alone (kill -9) costs nothing that was written, which takes some ms. A message may ask for another.
   */
  readonly durability: "commit" | "interval" | "none";
  /** ms */
  readonly interval: number;
  /** ms after which a message is dropped unsent, whatever its rule says. For ever if left out. */
  readonly maxAge?: number;
  /** A segment that is as long is followed by a new one. 8 MiB if left out. */
  readonly segmentBytes?: number;
  /** How many entries are kept in memory ahead of the bridge, where their bytes do not limit that. 1,024 if left out. */
  readonly readAhead?: number;
  readonly journal: Journal;
  /** ms since the Unix epoch; undefined while the machine does not know the time: then nothing is dated, and nothing is too old. */
  readonly now: () => number | undefined;
  /** Between two tries to write to, or read from, a disk that failed, in ms. 1,000 if left out. */
  readonly retry?: number;
  /** The file system, for tests. */
  readonly files?: Files;
}

export interface DurableOutbox extends Outbox {
  /** Stores what was appended, writes the cursor and gives the folder free. Never rejects. */
  close(): Promise<void>;
  /** What was found on opening. */
  readonly recovered: Recovered;
  readonly state: OutboxState;
}

export interface Recovered {
  /** That wait to be sent. */
  readonly messages: number;
  /** Of writes that never finished. */
  readonly truncatedBytes: number;
  /** What cannot be read any more. */
  readonly quarantined: readonly Loss[];
}

export interface OutboxState {
  /** What the system said when the log could not be written; undefined while it can. */
  readonly fault: string | undefined;
  readonly segments: number;
  /** Bytes on disk. */
  readonly diskBytes: number;
}
