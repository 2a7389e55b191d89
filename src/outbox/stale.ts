import type { Entry } from "./outbox.js";

/** ms: 34 years, what the log has room for. What is to live longer lives as long. */
const LONGEST_EXPIRY = 2 ** 40 - 1;

/**
 * When it was appended, of what came while the machine did not know the time: later than any time there will be, so that it is
 * never too old. Fits the six bytes that a record has for it.
 */
export const UNDATED = 2 ** 48 - 1;

/** When a message that was appended then is worth nothing any more; `expiry` in ms. */
export function expiresAt(appended: number, expiry: number | undefined): number | undefined {
  if (expiry === undefined || Number.isNaN(expiry) || appended === UNDATED) return undefined;
  return appended + Math.min(LONGEST_EXPIRY, Math.max(1, Math.ceil(expiry)));
}

/**
 * Why the entry is not to be sent any more. Ages are by the system's clock, since they go on while the gateway is off, and never
 * negative: after the clock was set back an entry is as new as when it was appended, and lives longer by as much. A clock that
 * jumps ahead ends what was appended before the jump; while it is not known to be set (`now` is undefined) nothing is stale.
 */
export function staleness(
  { expires, appended }: Pick<Entry, "expires" | "appended">,
  now: number | undefined,
  maxAge: number | undefined,
): "expired" | "too_old" | undefined {
  if (now === undefined) return undefined;
  if (expires !== undefined && now >= expires) return "expired";
  return maxAge !== undefined && now - appended > maxAge ? "too_old" : undefined;
}
