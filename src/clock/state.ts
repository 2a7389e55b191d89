/**
 * Whether the clock of this machine is set: a pure machine that looks at the clock now and then.
 *
 * - At the start the clock counts as set if timesyncd says so, or if nobody says anything and the time is plausible: not
 *   before this program could run, nor before a time that it has known.
 * - Where timesyncd runs it alone is believed. Without a battery, fake-hwclock or timesyncd itself puts the clock to where it
 *   was at the last shutdown: plausible, and wrong by as long as the power was away. That may come as a step, too.
 * - Not set, it becomes so when timesyncd says so or, where that does not run, when it steps forward to a plausible time. A
 *   time that becomes plausible because time goes by is still wrong.
 * - Set, it stays so: whoever sets it knows why. Steps are told of.
 */

/** What timesyncd says; unknown where it does not run (chrony, ntpd, other systems). */
export type Sync = "yes" | "no" | "unknown";

/** One look. `wall` in ms since the Unix epoch, `ticks` in ms of the monotonic clock. */
export interface Look {
  readonly wall: number;
  readonly ticks: number;
  readonly sync: Sync;
}

export interface ClockRules {
  /** The clock is right, whatever it looks like. */
  readonly trust: boolean;
  /** No right clock says an earlier time. ms since the Unix epoch. */
  readonly earliest: number;
  /** How long readings are held at most, in ms. */
  readonly wait: number;
}

export type Source = "trust" | "timesyncd" | "plausible" | "step";

export type ClockState =
  /** `offset` (wall less ticks) and `since` (ticks) are those of the first look. */
  | {
      readonly kind: "unset";
      readonly why: "unsynchronized" | "implausible";
      readonly offset: number;
      readonly since: number;
      readonly holding: boolean;
    }
  /** `offset` is that of the last look. */
  | { readonly kind: "set"; readonly source: Source; readonly offset: number };

export type ClockEvent =
  /** The clock was set, and stepped by so many ms since the first look. */
  | { readonly kind: "set"; readonly source: Source; readonly by: number }
  /** It was waited long enough. */
  | { readonly kind: "gave_up" }
  /** A clock that was set was set to another time: by so many ms. */
  | { readonly kind: "stepped"; readonly by: number };

/**
 * What is no drift and no slew, in ms. NTP slews by 0.5 ms in a second; beyond 128 ms (ntpd) or 400 ms (timesyncd) it steps,
 * which nobody needs to know of until it is a matter of seconds.
 */
const STEP = 2_000;

export function firstLook(rules: ClockRules, { wall, ticks, sync }: Look): ClockState {
  const offset = wall - ticks;
  if (rules.trust) return { kind: "set", source: "trust", offset };
  if (sync === "yes") return { kind: "set", source: "timesyncd", offset };
  if (sync === "unknown" && wall >= rules.earliest) return { kind: "set", source: "plausible", offset };
  const why = sync === "no" ? "unsynchronized" : "implausible";
  return { kind: "unset", why, offset, since: ticks, holding: rules.wait > 0 };
}

export function nextLook(
  state: ClockState,
  rules: ClockRules,
  { wall, ticks, sync }: Look,
): readonly [ClockState, ClockEvent?] {
  const offset = wall - ticks;
  const by = offset - state.offset;
  if (state.kind === "set") {
    const after = { ...state, offset };
    return Math.abs(by) >= STEP ? [after, { kind: "stepped", by }] : [after];
  }
  const isStep = sync === "unknown" && by >= STEP && wall >= rules.earliest;
  if (sync === "yes" || isStep) {
    const source = sync === "yes" ? "timesyncd" : "step";
    return [
      { kind: "set", source, offset },
      { kind: "set", source, by },
    ];
  }
  if (state.holding && ticks - state.since >= rules.wait) return [{ ...state, holding: false }, { kind: "gave_up" }];
  return [state];
}
