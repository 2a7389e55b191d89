import type { Scalar } from "../../core/reading.js";

/** One value as a CoAP payload carries it, before a profile has looked at it. */
export interface FormValue {
  readonly resource: string;
  readonly value: Scalar;
  /** ms since the Unix epoch; undefined: when it came in. */
  readonly time: number | undefined;
  readonly unit: string | undefined;
  /** It came as text without a type: 21.5 may be a number or a name. */
  readonly untyped: boolean;
}

/** What a payload is read against. */
export interface FormContext {
  /** The payload is the value of this resource; undefined: it is an object or a pack of several. */
  readonly resource: string | undefined;
  /** The resource that a SenML record's name means. May throw a FormError. */
  readonly nameOf: (record: string) => string;
  /** ms since the Unix epoch. */
  readonly now: number;
  /** Bytes and values. */
  readonly maxBytes: number;
  readonly maxValues: number;
}

export type FormProblem =
  /** The Content-Format is not understood. */
  | "format"
  /** The payload is not what its Content-Format says, or a value does not fit. */
  | "bad_payload"
  | "unknown_resource"
  /** A SenML record names another device. */
  | "other_device";

/** A payload that cannot be taken. The message is one sentence that may be told to whoever sent it. */
export class FormError extends Error {
  readonly problem: FormProblem;

  constructor(problem: FormProblem, message: string) {
    super(message);
    this.name = "FormError";
    this.problem = problem;
  }
}

export function badPayload(message: string): FormError {
  return new FormError("bad_payload", message);
}

/** Text from a wire, made safe and short for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}
