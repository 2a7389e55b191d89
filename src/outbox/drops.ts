import type { Journal } from "../core/journal.js";

const WHAT = {
  oldest: "the outbox is full: the oldest message was dropped; the upstream is down or too slow",
  newest: "the outbox is full: the newest message was dropped; the upstream is down or too slow",
  refused: "the outbox is full: a message was refused; the upstream is down or too slow",
  expired: "a message expired before it was sent; the upstream is down or too slow",
  too_old: "a message was older than the outbox keeps them; the upstream is down or too slow",
  unavailable: "a message was not taken: the outbox cannot be written",
} as const;

export type DropReason = keyof typeof WHAT;

/** Counts one message that will not be sent. */
export type Drop = (reason: DropReason, rule?: string) => void;

/**
 * Counted at the outbox's id, or at `<id> <rule>` where the rule is known. It is not kept with the message: what is dropped later
 * than on its way in (`oldest`, `expired`, `too_old`) counts at the id.
 */
export function drops(id: string, journal: Journal): Drop {
  return (reason, rule) =>
    journal({
      // No line of its own for each message that a disk does not take: the beginning and the end of that are told.
      level: reason === "unavailable" ? "debug" : "warn",
      event: "outbox_dropped",
      at: rule === undefined ? id : `${id} ${rule}`,
      reason,
      message: WHAT[reason],
    });
}
