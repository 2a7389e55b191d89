/** Durations as people write them: a whole or decimal number with its unit (`500ms`, `10s`, `5m`, `1h`, `1d`). */

/** For schemas of editors; `parseDuration` is the judge. */
export const DURATION = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const UNITS: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/** Timers of Node hold 2^31 - 1 ms (24.8 days): one that is longer would fire at once. In ms. */
export const LONGEST_TIMER = 24 * 86_400_000;

/** ms, or undefined if the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  const unit = UNITS.get(match?.[2] ?? "");
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** The largest unit that leaves a whole number. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of UNITS) if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
