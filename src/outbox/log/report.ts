import { basename } from "node:path";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import { type Drop, drops } from "../drops.js";
import type { LostPart } from "./loader.js";
import { lengthOf } from "./ranges.js";
import type { Recovery } from "./recovery.js";

/** What the outbox says: one call makes the line and the counter. */
export interface Report {
  readonly dropped: Drop;
  /** One was refused, the outbox being full. The error for whoever sent it. */
  full(held: { readonly messages: number; readonly bytes: number }, rule: string | undefined): WeirError;
  /** One was refused, or given up after it was taken in without a promise, since the log cannot be written. The error for its sender. */
  unavailable(what: string, rule: string | undefined, cause?: unknown): WeirError;
  closed(): WeirError;
  faultBegan(what: string): void;
  faultEnded(): void;
  unreadable(what: string): void;
  epochNew(): void;
  cursorStuck(what: string): void;
  lost(part: LostPart): void;
  recovered(recovery: Recovery, cursorLost: boolean): void;
}

export function outboxReport(id: string, folder: string, journal: Journal): Report {
  const lost = (range: { first: number; last: number }, file: string, why: string): void =>
    journal({
      level: "error",
      event: "outbox_lost",
      at: id,
      count: lengthOf(range),
      message: `messages ${range.first} to ${range.last} are lost: ${folder}/${file}: ${why}`,
    });
  const dropped = drops(id, journal);
  return {
    dropped,
    full: ({ messages, bytes }, rule) => {
      dropped("refused", rule);
      return new WeirError("OUTBOX_FULL", `outbox of bridge ${id} holds ${messages} messages, ${bytes} bytes`);
    },
    unavailable: (what, rule, cause) => {
      dropped("unavailable", rule);
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
    epochNew: () =>
      journal({
        level: "warn",
        event: "outbox_epoch_new",
        at: id,
        message: `the names that messages in ${folder} had are not known any more: those that were sent are taken for new ones`,
      }),
    cursorStuck: (what) =>
      journal({
        level: "warn",
        event: "outbox_cursor_stuck",
        at: id,
        message: `${folder}/cursor cannot be written: ${what}; if the gateway ends before it can, what was sent is sent again`,
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
