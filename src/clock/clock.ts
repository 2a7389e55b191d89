import { formatDuration } from "../core/duration.js";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import { EARLIEST, readLatest, readSync, TIMESYNC, writeLatest } from "./evidence.js";
import { provisionalTime } from "./provisional.js";
import { type ClockEvent, type ClockRules, type ClockState, firstLook, nextLook } from "./state.js";

export interface ClockOptions {
  /** The gateway's id, for the journal. */
  readonly id: string;
  readonly mode: "auto" | "trust";
  /** How long readings are held at most, in ms. */
  readonly wait: number;
  /** Where the latest known time is kept. */
  readonly file: string;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** ms of a clock that does not jump. */
  readonly ticks: () => number;
  readonly journal: Journal;
  /** The folder of systemd-timesyncd; that of the system if left out. */
  readonly timesync?: string | undefined;
  readonly setTimer?: (run: () => void, ms: number) => () => void;
}

export interface ClockStatus {
  readonly set: boolean;
  /** What says that it is set: `trust` is the configuration. */
  readonly source: "trust" | "timesyncd" | "plausible" | "step" | "none";
}

export interface Clock {
  /** ms since the Unix epoch, as right as the machine's clock is. */
  readonly now: () => number;
  /** What readings are stamped with: `now` once the clock is set, a provisional time before (provisional.ts). */
  readonly stamp: () => number;
  /** Whether `now` can be believed. */
  trusted(): boolean;
  /** True while readings are to wait for the clock to be set. */
  holding(): boolean;
  /** True if it was set from the start: then no reading has a provisional time. */
  readonly wasSet: boolean;
  /** The wall's ms less those of the monotonic clock. */
  offset(): number;
  state(): ClockStatus;
  /** Calls back once, when `holding` ends. */
  onRelease(listener: () => void): void;
  /** Keeps the time for the next start. Never rejects. */
  stop(): Promise<void>;
}

/** Between two looks, in ms: a clock that is not set is waited for, one that is set only tells of its steps. */
const LOOK_UNSET = 1_000;
const LOOK_SET = 10_000;
/** How often the time is kept, in ms: 144 small writes a day do no harm to a flash card. */
const KEEP_EVERY = 600_000;

/** Finds out whether the clock is set, and watches it. */
export async function openClock(options: ClockOptions): Promise<Clock> {
  const { id, mode, wait, file, now, ticks, journal } = options;
  const setTimer = options.setTimer ?? realTimer;
  const folder = options.timesync ?? TIMESYNC;
  const trust = mode === "trust";
  const latest = trust ? undefined : await readLatest(file);
  const rules: ClockRules = { trust, wait, earliest: Math.max(EARLIEST, latest ?? EARLIEST) };
  const sync = trust ? "unknown" : await readSync(folder);
  let state: ClockState = firstLook(rules, { wall: now(), ticks: ticks(), sync });
  const wasSet = state.kind === "set";
  let kept = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let release = (): void => {};

  const say = (level: "info" | "warn", event: string, message: string): void =>
    journal({ level, event, at: id, message });

  function tell(event: ClockEvent): void {
    switch (event.kind) {
      case "set":
        say("info", "clock_set", `the clock is set (${event.source}): it was ${sayShift(event.by)}`);
        break;
      case "stepped":
        say("warn", "clock_stepped", `the clock was set while running: it was ${sayShift(event.by)}`);
        break;
      case "gave_up":
        say(
          "warn",
          "clock_untrusted",
          `after ${formatDuration(wait)} the clock is still not set: readings go out with the time that it says, marked ` +
            "uncertain, until it is. If it is right, set gateway.clock.mode to trust",
        );
    }
  }

  async function look(): Promise<void> {
    const said = state.kind === "set" ? "unknown" : await readSync(folder);
    if (stopped) return;
    const [after, event] = nextLook(state, rules, { wall: now(), ticks: ticks(), sync: said });
    const wasHolding = holding();
    state = after;
    if (event !== undefined) tell(event);
    if (wasHolding && !holding()) release();
    // A time that was kept and is not right would call the next start's clock wrong.
    if (event?.kind === "stepped") kept = Number.NEGATIVE_INFINITY;
    if (ticks() - kept >= KEEP_EVERY) await keep();
  }

  async function keep(): Promise<void> {
    if (state.kind !== "set" || trust) return;
    kept = ticks();
    try {
      await writeLatest(file, now());
    } catch (error) {
      say("warn", "clock_unkept", `the time cannot be kept for the next start in ${file}: ${messageOf(error)}`);
    }
  }

  function holding(): boolean {
    return state.kind === "unset" && state.holding;
  }

  let looking: Promise<void> = Promise.resolve();
  let stopTimer = (): void => {};
  function schedule(): void {
    if (stopped) return;
    const ring = (): void => {
      looking = look().finally(schedule);
    };
    stopTimer = setTimer(ring, state.kind === "set" ? LOOK_SET : LOOK_UNSET);
  }

  if (state.kind === "unset") {
    const why =
      state.why === "unsynchronized"
        ? "systemd-timesyncd has not synchronized it since the machine started"
        : `it says ${sayTime(now())}, which is before ${sayTime(rules.earliest)} (${latest === undefined ? "no gateway ran then" : `kept in ${file}`})`;
    const what = state.holding ? `readings are held until it is, ${formatDuration(wait)} at most` : "nothing is held";
    say("warn", "clock_unset", `the clock is not set: ${why}; ${what}`);
  }
  schedule();

  return {
    now,
    stamp: () => (state.kind === "set" ? now() : provisionalTime(ticks())),
    trusted: () => state.kind === "set",
    holding,
    wasSet,
    offset: () => now() - ticks(),
    state: () => (state.kind === "set" ? { set: true, source: state.source } : { set: false, source: "none" }),
    onRelease: (listener) => {
      release = listener;
    },
    stop: async () => {
      stopped = true;
      stopTimer();
      await looking;
      await keep();
    },
  };
}

const realTimer = (run: () => void, ms: number): (() => void) => {
  const timeout = setTimeout(run, ms);
  return () => clearTimeout(timeout);
};

/** A clock may be anywhere, also where no date is. */
function sayTime(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : `${time} ms`;
}

function sayShift(by: number): string {
  const seconds = Math.round(Math.abs(by) / 100) / 10;
  return `${seconds} s ${by < 0 ? "ahead" : "behind"}`;
}
