/**
 * Which readings become messages: a pure reducer, one state for each resource of a device.
 *
 * - A change beyond the deadband is never dropped: it is reported, or held back until the minimum interval ends.
 * - The band lies around the value last reported, so that a slow drift is reported too.
 * - A change of quality is always reported at once.
 * - After a change was held back, the latest reading is sent when the interval ends, even if it came back into the band: the
 *   far side then knows the value as it is, at most one interval late.
 * - The heartbeat repeats the latest reading with the time at which that was measured: it says "still so", not "measured now".
 *
 * `now` is in ms of any clock that does not jump: only differences count. Should it be set back all the same, a reading
 * counts as due and a timer begins anew.
 */
import type { Reading, Scalar } from "../core/reading.js";
import type { Report } from "./policy.js";

type OnChange = Extract<Report, { on: "change" }>;

export interface ReportState {
  /** The reading last reported, and when that was. */
  readonly reported: Reading;
  readonly at: number;
  /** The newest reading, reported or not. */
  readonly latest: Reading;
  /** A change waits for the minimum interval to end. */
  readonly held: boolean;
}

/** Why a reading is reported, or (`unchanged`, `held`) is not. */
export type Reason = "every" | "first" | "quality" | "change" | "interval" | "heartbeat" | "unchanged" | "held";

export interface Verdict {
  /** What holds once the report has been accepted. */
  readonly state: ReportState;
  readonly report: boolean;
  readonly reason: Reason;
}

function reported(reading: Reading, now: number, reason: Reason): Verdict {
  return { state: { reported: reading, at: now, latest: reading, held: false }, report: true, reason };
}

function suppressed(state: ReportState, reading: Reading, reason: "unchanged" | "held"): Verdict {
  return { state: { ...state, latest: reading, held: reason === "held" }, report: false, reason };
}

/** What becomes of a reading. `state` is undefined before the first one. */
export function onReading(state: ReportState | undefined, reading: Reading, rule: Report, now: number): Verdict {
  if (rule.on === "every") return reported(reading, now, "every");
  if (state === undefined) return reported(reading, now, "first");
  if (reading.quality !== state.reported.quality) return reported(reading, now, "quality");
  const elapsed = now < state.at ? Number.POSITIVE_INFINITY : now - state.at;
  const changed = beyond(state.reported.value, reading.value, rule.deadband);
  if (changed || state.held) {
    if (elapsed < (rule.minInterval ?? 0)) return suppressed(state, reading, "held");
    return reported(reading, now, changed ? "change" : "interval");
  }
  if (elapsed >= silence(rule)) return reported(reading, now, "heartbeat");
  return suppressed(state, reading, "unchanged");
}

/** ms until `onTime` has something to report; undefined while only a reading can bring that about. */
export function timeLeft(state: ReportState, rule: Report, now: number): number | undefined {
  if (rule.on === "every") return undefined;
  const wait = state.held ? (rule.minInterval ?? 0) : silence(rule);
  if (wait === Number.POSITIVE_INFINITY) return undefined;
  return Math.max(0, wait - Math.max(0, now - state.at));
}

/** The latest reading, where an interval or a heartbeat has come to its end; undefined where none has. */
export function onTime(state: ReportState, rule: Report, now: number): Verdict | undefined {
  if (timeLeft(state, rule, now) !== 0) return undefined;
  return reported(state.latest, now, state.held ? "interval" : "heartbeat");
}

/** After how long without a message the heartbeat comes. The minimum interval is a promise: a shorter heartbeat waits for it. */
function silence(rule: OnChange): number {
  return Math.max(rule.heartbeat ?? Number.POSITIVE_INFINITY, rule.minInterval ?? 0);
}

/** Whether a value lies outside the band around the one last reported. Only numbers have a band. */
function beyond(last: Scalar, value: Scalar, band: OnChange["deadband"]): boolean {
  if (typeof last === "number" && typeof value === "number") {
    const distance = Math.abs(value - last);
    // What is no number, or infinite, has no distance: equal or not.
    if (!Number.isFinite(distance)) return !Object.is(last, value);
    const absolute = band?.absolute;
    const percent = band?.percent;
    if (absolute === undefined && percent === undefined) return distance > 0;
    const beyondAbsolute = absolute !== undefined && distance > absolute;
    return beyondAbsolute || (percent !== undefined && distance > (Math.abs(last) * percent) / 100);
  }
  if (last instanceof Uint8Array && value instanceof Uint8Array) return Buffer.compare(last, value) !== 0;
  return last !== value;
}
