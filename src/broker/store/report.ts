import { WeirError } from "../../core/errors.js";
import type { Entry, Journal } from "../../core/journal.js";
import type { Recovery } from "./recovery.js";

/** What the store says: one call makes the line and the counter. */
export interface Report {
  recovered(recovery: Recovery): void;
  faultBegan(what: string): void;
  faultEnded(): void;
  /** For whoever waited for something to be stored. */
  unavailable(what: string, cause?: unknown): WeirError;
  closed(): WeirError;
  compactionFailed(what: string): void;
  /** More was recorded than memory holds. */
  overflowed(bytes: number): void;
  /** The process ends, and what was recorded is not stored. */
  unstored(what: string): void;
}

const AT = "broker";

export function storeReport(folder: string, journal: Journal): Report {
  const say = (level: Entry["level"], event: string, message: string, count?: number): void =>
    journal({ level, event, at: AT, message, ...(count === undefined ? {} : { count }) });
  const stuck = `what the broker keeps cannot be written to ${folder}`;
  return {
    recovered: ({ replay: { orphans }, truncated, losses }) => {
      for (const { file, bytes, why } of losses) {
        const part = bytes > 0 ? `${bytes} bytes of ${folder}/${file} are ${why}` : `${folder}/${file}: ${why}`;
        say("error", "store_lost", `${part}: what of sessions and retained messages was in it is lost`);
      }
      if (losses.length > 0 && orphans > 0)
        say("error", "store_orphans", `${orphans} records in ${folder} are about what is lost`, orphans);
      if (truncated > 0) {
        const message = `${truncated} bytes of writes that never finished were cut off in ${folder}`;
        say("info", "store_truncated", message, truncated);
      }
    },
    faultBegan: (what) => say("error", "store_unavailable", `${stuck}: ${what}; it is tried again`),
    faultEnded: () => say("info", "store_available", `what the broker keeps can be written to ${folder} again`),
    unavailable: (what, cause) => new WeirError("STORE_UNAVAILABLE", `${stuck}: ${what}`, { cause }),
    closed: () => new WeirError("CLOSED", "the broker keeps nothing more: the gateway is stopping"),
    compactionFailed: (what) =>
      say("warn", "store_compaction_failed", `${folder} grows, since a snapshot cannot be written: ${what}`),
    overflowed: (bytes) =>
      say("warn", "store_overflowed", `${bytes} bytes wait for ${folder}: all that lives is written instead of them`),
    unstored: (what) => say("error", "store_unstored", `${stuck}, and the gateway ends: ${what}`),
  };
}
