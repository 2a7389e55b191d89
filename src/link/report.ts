import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";

/** How often a fault that lasts is brought to mind again, in ms. */
const REMIND_EVERY = 10 * 60_000;

/** Tells the journal what becomes of one link: the first fault of a row loudly, its repeats quietly, its end always. */
export interface LinkReport {
  failed(error: unknown, delay: number): void;
  lost(error: unknown, delay: number): void;
  up(): void;
  /** It has been up for a while: the next fault is news again. */
  sound(): void;
  closed(): void;
  /** An open or a close that never came to an end. */
  abandoned(what: "open" | "close"): void;
}

/** @param now ms of a clock that does not jump */
export function linkReport(link: string, journal: Journal, now: () => number): LinkReport {
  /** The row of faults that we are in. `told`: when a failure to open was last said aloud. */
  let row: { readonly since: number; told: number | undefined; count: number } | undefined;
  let everUp = false;

  function trouble(event: "link_failed" | "link_lost", what: string, error: unknown, delay: number): void {
    const time = now();
    row ??= { since: time, told: undefined, count: 0 };
    row.count += 1;
    let level: "error" | "warn" | "debug" = "warn";
    if (event === "link_failed") {
      level = row.told === undefined ? "error" : time - row.told >= REMIND_EVERY ? "warn" : "debug";
      if (level !== "debug") row.told = time;
    }
    const advice = error instanceof WeirError ? ` ${error.advice}` : "";
    const again = `Next attempt in ${(delay / 1000).toFixed(1)} s, and so on until it is there.`;
    journal({ level, event, at: link, message: `${what}: ${sentence(messageOf(error))}${advice} ${again}` });
  }

  return {
    failed: (error, delay) => trouble("link_failed", "could not be opened", error, delay),
    lost: (error, delay) => trouble("link_lost", "was lost", error, delay),
    up: () => {
      if (row === undefined) {
        journal({ level: "info", event: "link_up", at: link, message: "is open" });
      } else {
        const seconds = Math.max(0, Math.round((now() - row.since) / 1000));
        const faults = row.count === 1 ? "1 fault" : `${row.count} faults`;
        const message = `is open ${everUp ? "again " : ""}after ${seconds} s and ${faults}`;
        journal({ level: "info", event: "link_recovered", at: link, message });
      }
      everUp = true;
    },
    sound: () => {
      row = undefined;
    },
    closed: () => journal({ level: "info", event: "link_closed", at: link, message: "is closed" }),
    abandoned: (what) =>
      journal({
        level: "warn",
        event: "link_abandoned",
        at: link,
        message: `did not ${what} in time and did not give up either: it is left behind. Please report this.`,
      }),
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
