import { type ErrorCode, messageOf, WeirError } from "../../../src/core/errors.js";
import type { Reading } from "../../../src/core/reading.js";
import { type CoapRead, type CoapValue, FormError, quoted } from "../../../src/profile/index.js";
import { CoapError, type CoapErrorCode, type IncomingResponse } from "../../../src/protocols/coap/index.js";

/** What each way of getting no answer means for whoever asked. */
const CODES: Readonly<Record<CoapErrorCode, ErrorCode>> = {
  TIMEOUT: "DEVICE_NO_ANSWER",
  GONE: "DEVICE_NO_ANSWER",
  RESET: "COMMAND_FAILED",
  TOO_LARGE: "PAYLOAD_INVALID",
  BLOCKS: "PAYLOAD_INVALID",
  OPTION: "PAYLOAD_INVALID",
  ABORTED: "DEVICE_OFFLINE",
  CLOSED: "DEVICE_OFFLINE",
  BUSY: "COMMAND_QUEUE_FULL",
  INVALID: "VALUE_INVALID",
};

/** Why a request got no answer, for people. */
export function noAnswer(device: string, place: string, thrown: unknown): WeirError {
  if (thrown instanceof WeirError) return thrown;
  const code = thrown instanceof CoapError ? CODES[thrown.code] : "COMMAND_FAILED";
  return new WeirError(code, `${device}${place}: ${messageOf(thrown)}`, { cause: thrown });
}

/** Whether the device may be gone: a reset or a wrong answer says that it is there. */
export function maybeGone(error: WeirError): boolean {
  return error.code === "DEVICE_NO_ANSWER";
}

/** Whether it came from the device all the same: a reset, or an answer that nothing can be done with. */
export function isAnswer(error: WeirError): boolean {
  return error.code === "COMMAND_FAILED" || error.code === "PAYLOAD_INVALID";
}

export function isSuccess({ code }: IncomingResponse): boolean {
  return code.startsWith("2.");
}

/** Bytes of a diagnostic payload that are shown. */
const SHOWN = 200;

/** The device's no: its code and what it says about it (RFC 7252 5.5.2). */
export function refused(device: string, place: string, { code, payload }: IncomingResponse): WeirError {
  const said = Buffer.from(payload.subarray(0, SHOWN)).toString().trim();
  const why = said === "" ? "" : `: ${quoted(said)}`;
  return new WeirError("COMMAND_FAILED", `${device} answered ${code} to ${place}${why}`);
}

/** What an answer says. Throws PAYLOAD_INVALID. */
export function valuesOf(device: string, read: CoapRead, answer: IncomingResponse, now: number): CoapValue[] {
  try {
    return read.decode(answer, now);
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    const message = `${device} answered at ${read.text} with what cannot be decoded: ${error.message}`;
    throw new WeirError("PAYLOAD_INVALID", message, { cause: error });
  }
}

export function readingsOf(device: string, values: readonly CoapValue[], now: number): Reading[] {
  return values.map(({ time, ...value }) => ({ ...value, device, time: time ?? now }));
}
