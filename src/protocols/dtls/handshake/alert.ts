import { ALERTS, type AlertName } from "../errors.js";

/** What an alert record says (RFC 5246 7.2). */
export interface Alert {
  readonly fatal: boolean;
  readonly code: number;
  /** Undefined where it is no alert of DTLS 1.2. */
  readonly name: AlertName | undefined;
}

const WARNING = 1;
const FATAL = 2;
const NAMES: ReadonlyMap<number, AlertName> = new Map(
  (Object.keys(ALERTS) as AlertName[]).map((name) => [ALERTS[name], name]),
);

export function encodeAlert(name: AlertName, level: "warning" | "fatal"): Uint8Array {
  return Uint8Array.of(level === "fatal" ? FATAL : WARNING, ALERTS[name]);
}

/** Undefined: it is none. */
export function parseAlert(bytes: Uint8Array): Alert | undefined {
  const [level, code] = bytes;
  if (bytes.length !== 2 || code === undefined || (level !== WARNING && level !== FATAL)) return undefined;
  return { fatal: level === FATAL, code, name: NAMES.get(code) };
}
