import { basename } from "node:path";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import type { LostPart } from "./loader.js";
import { lengthOf } from "./ranges.js";
import type { Recovery } from "./recovery.js";

/** What the outbox says: one call makes the line and the counter. */
export interface Report {
  dropped(reason: "oldest" | "newest"): void;
  /** One was refused, the outbox being full. The error for whoever sent it. */
  full(messages: number, bytes: number): WeirError;
  /** One was refused, or given up after it was taken in without a promise, since the log cannot be written. The error for its sender. */
  unavailable(what: string, cause?: unknown): WeirError;
  closed(): WeirError;
  faultBegan(what: string): void;
  faultEnded(): void;
  unreadable(what: string): void;
  lost(part: LostPart): void;
  recovered(recovery: Recovery, cursorLost: boolean): void;
}

const DROPPED = {
  oldest: "the oldest message was dropped",
  newest: "the newest message was dropped",
  refused: "a message was refused",
} as const;

export function outboxReport(id: string, folder: string, journal: Journal): Report {
  const lost = (range: { first: number; last: number }, file: string, why: string): void =>
    journal({
      level: "error",
      event: "outbox_lost",
      at: id,
      count: lengthOf(range),
      message: `messages ${range.first} to ${range.last} are lost: ${folder}/${file}: ${why}`,
    });
  const dropped = (reason: keyof typeof DROPPED): void =>
    journal({
      level: "warn",
      event: "outbox_dropped",
      at: id,
      reason,
      message: `the outbox is full: ${DROPPED[reason]}; the upstream is down or too slow`,
    });
  return {
    dropped,
    full: (messages, bytes) => {
      dropped("refused");
      return new WeirError("OUTBOX_FULL", `outbox of bridge ${id} holds ${messages} messages, ${bytes} bytes`);
    },
    unavailable: (what, cause) => {
      // No line of its own for each message: the beginning and the end are told.
      journal({
        level: "debug",
        event: "outbox_dropped",
        at: id,
        reason: "unavailable",
        message: "a message was not taken: the outbox cannot be written",
      });
      const message = `outbox of bridge ${id} cannot write to ${folder}: ${what}`;
      return new WeirError("OUTBOX_UNAVAILABLE", message, { cause });
    },
    closed: () => new WeirError("CLOSED", `outbox of bridge ${id} takes no more messages: the gateway is stopping`),
    faultBegan: (what) =>
      journal({
        level: "error",
        event: "outbox_unavailable",
        at: id,
        message: `the outbox cannot write to ${folder}: ${what}; it takes no messages until it can`,
      }),
    faultEnded: () =>
      journal({
        level: "info",
        event: "outbox_available",
        at: id,
        message: `the outbox can write to ${folder} again`,
      }),
    unreadable: (what) =>
      journal({
        level: "warn",
        event: "outbox_unreadable",
        at: id,
        message: `the outbox cannot read ${what}; it tries again`,
      }),
    lost: ({ segment, first, records, why }) => lost({ first, last: first + records - 1 }, basename(segment.path), why),
    recovered: ({ messages, losses, truncatedBytes }, cursorLost) => {
      for (const { file, ...range } of losses) lost(range, file, "a record in it is damaged, or the file is missing");
      if (truncatedBytes > 0) {
        const message = `${truncatedBytes} bytes of writes that never finished were cut off in ${folder}`;
        journal({ level: "info", event: "outbox_truncated", at: id, count: truncatedBytes, message });
      }
      if (cursorLost && messages > 0) {
        const message = `${folder}/cursor is damaged or missing: ${messages} messages are sent, some perhaps again`;
        journal({ level: "warn", event: "outbox_cursor_lost", at: id, message });
      }
    },
  };
}
