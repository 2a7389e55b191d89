import type { Journal } from "../../core/journal.js";
import type { Files } from "../../outbox/log/files.js";
import type { LiveState } from "./store.js";

export interface StoreOptions {
  /** Made if it is not there; nothing else may be in it. */
  readonly folder: string;
  /**
   * When `stored` calls back, and what a power cut may cost. `commit`: once it is on the medium. `interval`: at once; a power cut
   * costs the last `interval`. `none`: at once; the system syncs when it likes. With each of them the end of the process alone
   * (kill -9) costs nothing that was written, which takes some ms.
   */
  readonly durability: "commit" | "interval" | "none";
  /** ms. With `commit` too: within it is synced what nobody waits for. */
  readonly interval: number;
  /** What is alive: the log is compacted to it. Not asked before `takeRecovered`. */
  readonly live: LiveState;
  readonly journal: Journal;
  /** Bytes of a log that is not worth compacting. 8 MiB if left out. */
  readonly compactBytes?: number;
  /** Between two tries to write to a disk that failed, in ms. 1,000 if left out. */
  readonly retry?: number;
  /** The file system, for tests. */
  readonly files?: Files;
}
