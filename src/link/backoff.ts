import type { ErrorCode } from "../core/errors.js";

/** The shortest pause before a link is opened again, in ms: a failure at once must not become a loop that eats a core. */
export const SHORTEST_PAUSE = 500;

/** The longest pause, in ms. */
export const LONGEST_PAUSE = 60_000;

/**
 * A pause protects the far side from being hammered after a fault. A port of this machine needs no such protection: looking
 * whether it is there again costs one stat, and somebody who plugs a sensor in does not want to wait for a minute. In ms.
 */
const LONGEST_PAUSE_BY_CODE: Partial<Record<ErrorCode, number>> = {
  PORT_NOT_FOUND: 2_000,
  PORT_BUSY: 10_000,
  PORT_DENIED: 10_000,
  PORT_FAILED: 10_000,
};

/**
 * How long to wait before the next attempt, in ms: anywhere between the shortest pause and a limit that doubles with every
 * failure. The whole range is random (full jitter), so that many gateways do not come back in step after one outage.
 * @param failures how many attempts failed in a row, from 1.
 * @param chance from 0 up to, but not including, 1.
 * @param code what failed last: some faults are worth a faster second look.
 */
export function pauseAfter(failures: number, chance: number, code?: ErrorCode): number {
  const longest = (code === undefined ? undefined : LONGEST_PAUSE_BY_CODE[code]) ?? LONGEST_PAUSE;
  // Past 2^20 the limit is far beyond the longest pause; the exponent is held so that it never becomes Infinity.
  const limit = Math.min(longest, SHORTEST_PAUSE * 2 ** Math.min(Math.max(failures, 1), 20));
  return SHORTEST_PAUSE + Math.floor(chance * (limit - SHORTEST_PAUSE));
}
