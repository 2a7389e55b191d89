/** What an alert record says (RFC 5246 7.2). */
export interface Alert {
  readonly fatal: boolean;
  readonly code: number;
}

const WARNING = 1;
const FATAL = 2;

export function encodeAlert(code: number, level: "warning" | "fatal"): Uint8Array {
  return Uint8Array.of(level === "fatal" ? FATAL : WARNING, code);
}

/** Undefined: it is none. */
export function parseAlert(bytes: Uint8Array): Alert | undefined {
  const [level, code] = bytes;
  if (bytes.length !== 2 || code === undefined || (level !== WARNING && level !== FATAL)) return undefined;
  return { fatal: level === FATAL, code };
}
