import type { FormError, FormProblem } from "../../../src/profile/index.js";
import type { Code } from "../../../src/protocols/coap/index.js";

/** Splits the counter `coap_refused`. */
export type Reason =
  | FormProblem
  | "method"
  | "unknown_device"
  /** Nothing was proved, and the device is one that proves who it is. */
  | "unproven"
  /** The identity that was proved is not the device's. */
  | "other_identity"
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

const CODES: Readonly<Record<FormProblem, Code>> = {
  bad_payload: "4.00",
  other_device: "4.03",
  unknown_resource: "4.04",
  format: "4.15",
};

export function refusalOfForm({ problem, message }: FormError): Refusal {
  return new Refusal(CODES[problem], problem, message);
}
