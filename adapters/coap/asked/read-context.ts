import { WeirError } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import type { CoapRead } from "../../../src/profile/index.js";
import type {
  CoapError,
  IncomingResponse,
  Observation,
  ObservationListener,
} from "../../../src/protocols/coap/index.js";
import { isSuccess, refused } from "./answer.js";

/** What reading a device again and again stands on. */
export interface ReadContext {
  readonly device: string;
  readonly journal: Journal;
  /** ms from any fixed start, never set back. */
  readonly ticks: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Asks once. Rejects with a WeirError. */
  ask(read: CoapRead): Promise<IncomingResponse>;
  /** Rejects with a WeirError where the device cannot be reached. */
  observe(read: CoapRead, listener: ObservationListener): Promise<Observation>;
  /** Why an observation ended that is no answer of the device. */
  explain(read: CoapRead, error: CoapError): WeirError;
  /** Takes a 2.xx answer: resolves once the device may forget its readings, rejects where they were refused. */
  take(read: CoapRead, answer: IncomingResponse): Promise<void>;
  /** The device said something, whatever it was. */
  answered(): void;
  /** It does not answer any more. */
  lost(why: WeirError): void;
}

/** Reads of one device begin within so many ms, so that those of many do not all come at once. */
export const START_WITHIN = 1_000;

/** What a question brings: nobody waits for it to be taken, so that a refusal is the journal's only. */
export async function settle(read: CoapRead, answer: IncomingResponse, context: ReadContext): Promise<void> {
  if (isSuccess(answer)) await context.take(read, answer).catch(() => {});
  else tellRefused(read, answer, context);
}

export function tellRefused(read: CoapRead, answer: IncomingResponse, { device, journal }: ReadContext): void {
  const { message } = refused(device, read.text, answer);
  journal({ level: "warn", event: "coap_read_refused", at: device, message, reason: answer.code });
}

/** A reset, or an answer that the message layer could not put together. */
export function tellUnusable({ message }: WeirError, { device, journal }: ReadContext): void {
  journal({ level: "warn", event: "coap_read_refused", at: device, message, reason: "unusable" });
}

export function asWeirError(thrown: unknown): WeirError {
  return thrown instanceof WeirError ? thrown : new WeirError("COMMAND_FAILED", String(thrown), { cause: thrown });
}
