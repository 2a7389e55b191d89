/** Runs something once after `ms`; what it returns takes that back. Tests put a clock of their own in its place. */
export type SetTimer = (run: () => void, ms: number) => () => void;

/** Node runs a longer timer at once (its delay is a signed 32-bit number of ms: 24.8 days). */
const LONGEST = 2 ** 31 - 1;

/** May run early where the time is longer than 24.8 days: whoever sets such a one looks at the clock again. */
export const realTimer: SetTimer = (run, ms) => {
  const timeout = setTimeout(run, Math.min(ms, LONGEST));
  return () => clearTimeout(timeout);
};
