import { messageOf } from "../core/errors.js";
import type { Entry, Journal } from "../core/journal.js";

/** How often a fault that lasts is brought to mind again, in ms. */
const REMIND_EVERY = 10 * 60_000;

/** Tells the journal what becomes of a bridge's connections: the first fault of a row loudly, its repeats quietly. */
export interface BridgeReport {
  up(url: string, waiting: number): void;
  /** It was up and is not any more. `why` is undefined where the far side just closed. */
  down(url: string, waiting: number, why: unknown): void;
  /** An attempt to connect came to nothing. */
  failed(url: string, error: unknown): void;
  note(level: Entry["level"], event: string, message: string, count?: number): void;
}

/** `ticks`: ms from any fixed start, never set back. */
export function bridgeReport(id: string, journal: Journal, ticks: () => number): BridgeReport {
  /** What the row of failed attempts was last said to be, and when. By server. */
  const told = new Map<string, { readonly text: string; readonly at: number }>();

  function note(level: Entry["level"], event: string, message: string, count?: number): void {
    journal({ level, event, at: `bridge ${id}`, message, ...(count === undefined ? {} : { count }) });
  }

  return {
    up: (url, waiting) => {
      told.clear();
      note("info", "bridge_up", `connected to ${url}, ${waiting} messages wait`);
    },
    down: (url, waiting, why) => {
      const because = why === undefined ? "it closed the connection" : messageOf(why);
      note("warn", "bridge_down", `lost ${url}: ${because}; ${waiting} messages wait`);
    },
    failed: (url, error) => {
      const text = messageOf(error);
      const last = told.get(url);
      const time = ticks();
      const news = last === undefined || last.text !== text || time - last.at >= REMIND_EVERY;
      if (news) told.set(url, { text, at: time });
      note(news ? "warn" : "debug", "bridge_error", `${url}: ${sentence(text)} It is tried again until it is there.`);
    },
    note,
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
