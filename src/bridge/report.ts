import { messageOf } from "../core/errors.js";
import type { Entry, Journal } from "../core/journal.js";

/** How often a fault that lasts is brought to mind again, in ms. */
const REMIND_EVERY = 10 * 60_000;

/** Tells the journal what becomes of one connection: the first fault of a row loudly, its repeats quietly. */
export interface BridgeReport {
  up(waiting: number): void;
  /** Something went wrong while it is up. */
  error(error: unknown): void;
  /** It was up and is not any more. */
  down(waiting: number): void;
  /** An attempt to connect came to nothing. `error` is undefined where the far side just closed. */
  failed(error: unknown): void;
  note(level: Entry["level"], event: string, message: string, count?: number): void;
}

/** `ticks`: ms from any fixed start, never set back. */
export function bridgeReport(id: string, url: string, journal: Journal, ticks: () => number): BridgeReport {
  /** What the row of failed attempts was last said to be, and when. */
  let told: { readonly text: string; readonly at: number } | undefined;

  function note(level: Entry["level"], event: string, message: string, count?: number): void {
    journal({ level, event, at: `bridge ${id}`, message, ...(count === undefined ? {} : { count }) });
  }

  return {
    up: (waiting) => {
      told = undefined;
      note("info", "bridge_up", `connected to ${url}, ${waiting} messages wait`);
    },
    error: (error) => note("warn", "bridge_error", `${url}: ${messageOf(error)}`),
    down: (waiting) => note("warn", "bridge_down", `lost ${url}, ${waiting} messages wait`),
    failed: (error) => {
      const text = error === undefined ? CLOSED : messageOf(error);
      const time = ticks();
      const news = told === undefined || told.text !== text || time - told.at >= REMIND_EVERY;
      if (news) told = { text, at: time };
      note(news ? "warn" : "debug", "bridge_error", `${url}: ${sentence(text)} It is tried again until it is there.`);
    },
    note,
  };
}

const CLOSED = "the connection was closed before it was accepted: is it an MQTT broker, and are port and path right?";

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
