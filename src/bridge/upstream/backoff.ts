/**
 * How long to leave a server alone after `failures` in a row (from 0 after the first), in ms: anywhere between the shortest
 * pause and a limit that doubles with every failure. The whole range is random (full jitter), so that many gateways do
 * not come back in step after one outage. `chance` is from 0 up to, but not including, 1.
 */
export function pauseAfterFailure(
  { min, max }: { readonly min: number; readonly max: number },
  failures: number,
  chance: number,
): number {
  // Past 2^20 the limit is far beyond the longest pause; the exponent is held so that it never becomes Infinity.
  const limit = Math.min(max, min * 2 ** Math.min(failures + 1, 20));
  return min + Math.floor(chance * (limit - min));
}
