/** Why a request of ours got no answer. */
export type CoapErrorCode =
  /** Nobody acknowledged it, or no answer followed its acknowledgement (RFC 7252 4.8.2: MAX_TRANSMIT_WAIT, or the caller's time). */
  | "TIMEOUT"
  /** The peer answered with a reset: it has no idea what this is about (RFC 7252 4.2). */
  | "RESET"
  /** The peer's session ended, or it could not be reached at all. */
  | "GONE"
  /** The answer in blocks is larger than what the caller takes. */
  | "TOO_LARGE"
  /** The blocks of the answer do not fit together (RFC 7959), or it changed again and again while it was fetched. */
  | "BLOCKS"
  /** The answer has a critical option that this end does not understand, so that it must not be used (RFC 7252 5.4.1). */
  | "OPTION"
  /** Of the caller: its signal was aborted. */
  | "ABORTED"
  /** This endpoint was closed, or too many requests wait. */
  | "CLOSED"
  | "BUSY"
  /** What is asked for cannot be said in CoAP: a token, an option or a payload that is too long. */
  | "INVALID";

export class CoapError extends Error {
  override readonly name = "CoapError";
  readonly code: CoapErrorCode;

  constructor(code: CoapErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
