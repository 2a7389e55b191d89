import type { CoapRead } from "../../../src/profile/index.js";
import type { IncomingResponse } from "../../../src/protocols/coap/index.js";
import { isAnswer } from "./answer.js";
import { createFaults } from "./faults.js";
import { asWeirError, type ReadContext, START_WITHIN, settle, tellUnusable } from "./read-context.js";

/** setTimeout takes no more, in ms (24 days). */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Asks at once, and then once in each interval, never while the question before has no answer. Returns what ends it. */
export function startPolling(read: CoapRead, every: number, context: ReadContext): () => void {
  const { device, journal, ticks, random } = context;
  /** When its turns are: at a random time in each interval, so that devices started together are not asked together. */
  const phase = ticks() + random() * every;
  const faults = createFaults(context.answered, context.lost);
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  function schedule(wait: number): void {
    if (!ended) timer = setTimeout(() => void run(), Math.min(LONGEST_TIMER, Math.max(0, wait)));
  }

  async function run(): Promise<void> {
    const began = ticks();
    if (await askOnce()) return schedule(0);
    const missed = Math.floor((ticks() - began) / every);
    // A turn that passed meanwhile is not made up for: a slow device would never be left in peace again.
    if (missed > 0 && !ended) {
      const message = `${missed} polls of ${read.text} were left out: the one before had not ended`;
      journal({ level: "warn", event: "coap_poll_skipped", at: device, message, count: missed, reason: "slow" });
    }
    const turns = Math.floor((ticks() - phase) / every) + 1;
    schedule(phase + turns * every - ticks());
  }

  /** Whether it is to be asked again at once. */
  async function askOnce(): Promise<boolean> {
    let answer: IncomingResponse;
    try {
      answer = await context.ask(read);
    } catch (thrown) {
      if (ended) return false;
      const error = asWeirError(thrown);
      if (!isAnswer(error)) return faults.silent(error);
      faults.answered();
      tellUnusable(error, context);
      return false;
    }
    faults.answered();
    await settle(read, answer, context);
    return false;
  }

  schedule(random() * Math.min(every, START_WITHIN));
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
