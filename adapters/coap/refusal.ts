import type { Code } from "../../src/protocols/coap/index.js";

/** Splits the counter `coap_refused`. */
export type Reason =
  | "method"
  | "unknown_device"
  | "unknown_resource"
  | "other_device"
  | "format"
  | "bad_payload"
  | "accept"
  | "outbox_full"
  | "stopping"
  | "failed";

/** A request that is not fulfilled. The message goes to the sender as the diagnostic payload: one sentence (RFC 7252 5.5.2). */
export class Refusal extends Error {
  readonly code: Code;
  readonly reason: Reason;
  /** The device it is about, if that is known. */
  device: string | undefined;

  /** `cause` is for the journal, and no business of the sender. */
  constructor(code: Code, reason: Reason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "Refusal";
    this.code = code;
    this.reason = reason;
  }
}

/** 4.00 with what is wrong with the payload. */
export function badPayload(message: string): Refusal {
  return new Refusal("4.00", "bad_payload", message);
}

/** Text from a wire, made safe and short for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}
