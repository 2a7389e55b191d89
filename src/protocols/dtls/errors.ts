/** Alerts by name, and their numbers (RFC 5246 7.2, RFC 4279 6, RFC 6066 9). */
export const ALERTS = {
  CLOSE_NOTIFY: 0,
  UNEXPECTED_MESSAGE: 10,
  BAD_RECORD_MAC: 20,
  RECORD_OVERFLOW: 22,
  HANDSHAKE_FAILURE: 40,
  BAD_CERTIFICATE: 42,
  UNSUPPORTED_CERTIFICATE: 43,
  CERTIFICATE_REVOKED: 44,
  CERTIFICATE_EXPIRED: 45,
  CERTIFICATE_UNKNOWN: 46,
  ILLEGAL_PARAMETER: 47,
  UNKNOWN_CA: 48,
  ACCESS_DENIED: 49,
  DECODE_ERROR: 50,
  DECRYPT_ERROR: 51,
  PROTOCOL_VERSION: 70,
  INSUFFICIENT_SECURITY: 71,
  INTERNAL_ERROR: 80,
  USER_CANCELED: 90,
  NO_RENEGOTIATION: 100,
  UNSUPPORTED_EXTENSION: 110,
  UNRECOGNIZED_NAME: 112,
  UNKNOWN_PSK_IDENTITY: 115,
} as const;

export type AlertName = keyof typeof ALERTS;

export type DtlsErrorCode =
  /** What the peer sent ends its handshake, and this alert tells it why. */
  | AlertName
  /** Credentials or options that nothing can be done with: a fault of the caller. */
  | "OPTIONS"
  /** The peer answered nothing for as long as it was asked. */
  | "TIMEOUT"
  /** The peer ended it with an alert. */
  | "REFUSED"
  /** There is no room for another session. */
  | "FULL"
  /** The transport, or the session, was closed here. */
  | "CLOSED";

/** Messages name no key and no secret: they may be logged. */
export class DtlsError extends Error {
  readonly code: DtlsErrorCode;

  constructor(code: DtlsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DtlsError";
    this.code = code;
  }
}

/** An alert of the peer, for people: by its number, and its name where we know it. */
export function alertText(code: number): string {
  const name = Object.entries(ALERTS).find(([, number]) => number === code)?.[0];
  return name === undefined ? `alert ${code}` : `alert ${code} (${name.toLowerCase()})`;
}

/** What to tell the peer: nothing where the fault is not of a handshake. */
export function alertOf(error: DtlsError): number | undefined {
  return Object.hasOwn(ALERTS, error.code) ? ALERTS[error.code as AlertName] : undefined;
}
