import type { CoapRead } from "../../../src/profile/index.js";
import { CoapError, type IncomingResponse, type Observation } from "../../../src/protocols/coap/index.js";
import { isAnswer, isSuccess, maybeGone } from "./answer.js";
import { createFaults } from "./faults.js";
import { startPolling } from "./polling.js";
import { asWeirError, type ReadContext, START_WITHIN, settle, tellRefused } from "./read-context.js";

/** setTimeout takes no more, in ms (24 days). */
const LONGEST_TIMER = 2 ** 31 - 1;
/** A server that has no room says when it may have some; not sooner than this, in ms. */
const LEAST_PAUSE = 1_000;

/**
 * Observes a resource for good: the message layer renews the registration, and where it ends it is made anew, at once or after
 * `every` ms. A resource that cannot be observed is polled. Returns what ends it.
 */
export function startObserving(read: CoapRead, every: number, context: ReadContext): () => void {
  const { device, journal, random } = context;
  const faults = createFaults(context.answered, context.lost);
  let observation: Observation | undefined;
  let stopPolling: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  function again(wait: number): void {
    if (!over) timer = setTimeout(() => void register(), Math.min(LONGEST_TIMER, wait));
  }

  async function register(): Promise<void> {
    try {
      const made = await context.observe(read, { next, ended });
      if (over) await made.cancel();
      else observation = made;
    } catch (error) {
      again(faults.silent(asWeirError(error)) ? 0 : every);
    }
  }

  function next(state: IncomingResponse): Promise<void> {
    faults.answered();
    return context.take(read, state);
  }

  function ended(why: IncomingResponse | CoapError): void {
    observation = undefined;
    if (over) return;
    if (why instanceof CoapError) failed(why);
    else answered(why);
  }

  function failed(why: CoapError): void {
    const error = context.explain(read, why);
    if (isAnswer(error)) faults.answered();
    const wait = faults.silent(error) ? 0 : every;
    // Of one that is gone the link tells.
    if (!maybeGone(error)) {
      const reason = why.code.toLowerCase();
      journal({ level: "warn", event: "coap_observation_ended", at: device, message: error.message, reason });
    }
    again(wait);
  }

  function answered(answer: IncomingResponse): void {
    faults.answered();
    if (!isSuccess(answer)) {
      tellRefused(read, answer, context);
      // RFC 7252 5.9.3.4.
      again(answer.code === "5.03" ? Math.max(LEAST_PAUSE, answer.maxAge * 1000) : every);
      return;
    }
    const message = `${read.text} cannot be observed: it is asked every ${every / 1000} s`;
    journal({ level: "info", event: "coap_not_observable", at: device, message });
    void settle(read, answer, context);
    stopPolling = startPolling(read, every, context);
  }

  again(random() * START_WITHIN);
  return () => {
    over = true;
    clearTimeout(timer);
    stopPolling?.();
    void observation?.cancel();
  };
}
