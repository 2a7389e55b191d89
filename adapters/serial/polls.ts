import { messageOf, WeirError } from "../../src/core/errors.js";
import type { Journal } from "../../src/core/journal.js";
import type { Poll } from "../../src/profile/index.js";

export interface PollOptions {
  readonly device: string;
  readonly polls: readonly Poll[];
  /** Sends one poll and waits for its answer. */
  readonly ask: (poll: Poll) => Promise<unknown>;
  /** True while nobody takes the readings: to ask for more of them would be in vain. */
  readonly full: () => boolean;
  readonly journal: Journal;
  /** ms from any fixed start, never set back. */
  readonly ticks: () => number;
}

/** setTimeout takes no more, in ms (24 days). */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Asks the device what its profile says, each poll at its own pace, the first time at once. Returns what ends it. */
export function startPolls(options: PollOptions): () => void {
  const ends = options.polls.map((poll) => startPoll(poll, options));
  return () => {
    for (const end of ends) end();
  };
}

function startPoll(poll: Poll, { device, ask, full, journal, ticks }: PollOptions): () => void {
  const start = ticks();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  /** Which multiple of `every` comes next. */
  let turn = 0;

  function schedule(): void {
    if (ended) return;
    timer = setTimeout(() => void run(), Math.min(LONGEST_TIMER, Math.max(0, start + turn * poll.every - ticks())));
  }

  async function run(): Promise<void> {
    if (full()) skipped(1, "backpressure", "its readings are not taken");
    else await askOnce();
    // A turn that passed meanwhile is not made up for: a slow device would never be left in peace again.
    const next = Math.max(turn + 1, Math.ceil((ticks() - start) / poll.every));
    if (next > turn + 1 && !ended) skipped(next - turn - 1, "slow", "the one before had not ended");
    turn = next;
    schedule();
  }

  async function askOnce(): Promise<void> {
    try {
      await ask(poll);
    } catch (error) {
      // An answer that could not be decoded was told of where it was decoded, and a lost port is the link's to tell.
      if (!(error instanceof WeirError) || error.code !== "DEVICE_NO_ANSWER") return;
      journal({ level: "warn", event: "serial_no_answer", at: device, message: messageOf(error) });
    }
  }

  function skipped(count: number, reason: string, why: string): void {
    const message = `${count} polls were left out: ${why}`;
    journal({ level: "warn", event: "serial_poll_skipped", at: device, message, count, reason });
  }

  schedule();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
