import type { Entry, Journal } from "./core/journal.js";

export interface JournalOptions {
  readonly level: Entry["level"];
  readonly format: "text" | "json";
  /** Takes one line without its newline. */
  readonly write: (line: string) => void;
  readonly now: () => number;
}

export interface Counter {
  readonly event: string;
  readonly at: string;
  readonly reason: string;
  readonly count: number;
}

export interface Recorder {
  readonly journal: Journal;
  /** Every entry that was ever made, added up: the log may be silent, the counters are not. */
  counters(): Counter[];
}

const RANK = { debug: 0, info: 1, warn: 2, error: 3 } as const;
/** The same event at the same place is logged once in this time, in ms: a noisy line must not fill the disk. */
const QUIET = 10_000;
/** `at` comes from the configuration, which may have thousands of devices. What comes beyond is counted as one. */
const MAX_COUNTERS = 10_000;

interface Tally {
  readonly event: string;
  readonly at: string;
  readonly reason: string;
  count: number;
  loggedAt: number;
  hidden: number;
}

export function createRecorder(options: JournalOptions): Recorder {
  const tallies = new Map<string, Tally>();
  const others = tallyFor("other_events", "journal", "");

  const tallyOf = (entry: Entry): Tally => {
    const reason = entry.reason ?? "";
    const key = `${entry.event} ${entry.at} ${reason}`;
    const known = tallies.get(key);
    if (known !== undefined) return known;
    if (tallies.size >= MAX_COUNTERS) return others;
    const fresh = tallyFor(entry.event, entry.at, reason);
    tallies.set(key, fresh);
    return fresh;
  };

  const journal: Journal = (entry) => {
    const tally = tallyOf(entry);
    tally.count += entry.count ?? 1;
    if (RANK[entry.level] < RANK[options.level]) return;
    const now = options.now();
    // A clock that was set back must not silence the log.
    if (now - tally.loggedAt < QUIET && now >= tally.loggedAt) {
      tally.hidden += 1;
      return;
    }
    options.write(line(options.format, now, entry, tally));
    tally.loggedAt = now;
    tally.hidden = 0;
  };

  return {
    journal,
    counters: () =>
      [...tallies.values(), ...(others.count > 0 ? [others] : [])].map(({ event, at, reason, count }) => ({
        event,
        at,
        reason,
        count,
      })),
  };
}

function tallyFor(event: string, at: string, reason: string): Tally {
  return { event, at, reason, count: 0, loggedAt: Number.NEGATIVE_INFINITY, hidden: 0 };
}

function line(format: "text" | "json", now: number, entry: Entry, tally: Tally): string {
  const time = new Date(now).toISOString();
  const { level, event, at, reason } = entry;
  const message = oneLine(entry.message);
  const own = tally.event === event && (entry.count !== undefined || tally.count > 1);
  const total = own ? tally.count : undefined;
  if (format === "json") {
    return JSON.stringify({ time, level, event, at, reason, message, total, hidden: tally.hidden || undefined });
  }
  const why = reason === undefined ? "" : ` (${reason})`;
  const sum = total === undefined ? "" : ` [total ${total}${tally.hidden > 0 ? `, ${tally.hidden} not shown` : ""}]`;
  return `${time} ${level.padEnd(5)} ${at}: ${message} ${event}${why}${sum}`;
}

/** What came from a wire may hold line breaks and terminal codes; a log line holds neither. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}
