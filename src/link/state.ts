import type { ErrorCode } from "../core/errors.js";
import { pauseAfter } from "./backoff.js";

/** How long `open` may take before it is told to give up, in ms. */
export const OPEN_TIMEOUT = 30_000;
/** How long an `open` that was told to give up may take to do so before it is left behind, in ms. */
export const GIVE_UP_TIMEOUT = 5_000;
/** How long a session may take to close, in ms. */
export const CLOSE_TIMEOUT = 10_000;
/** A link that was up for this long is sound: the next failure is the first of a new row. In ms. */
export const SOUND_AFTER = 10_000;

/** `failures`: how many times in a row it could not be opened or was lost soon after. */
export type LinkState =
  | { readonly kind: "idle" }
  /** `overdue`: it took too long and was told to give up. */
  | { readonly kind: "opening"; readonly failures: number; readonly overdue: boolean }
  | { readonly kind: "up"; readonly failures: number }
  /** `delay` in ms, from when the state was entered. */
  | { readonly kind: "waiting"; readonly failures: number; readonly delay: number }
  | { readonly kind: "closing" }
  | { readonly kind: "closed" };

/** `chance` is a random number from 0 up to 1: it sets the pause. */
export type LinkEvent =
  | { readonly kind: "start" }
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly chance: number; readonly code: ErrorCode | undefined }
  /** The session broke. */
  | { readonly kind: "lost"; readonly chance: number; readonly code: ErrorCode | undefined }
  /** The session was closed on purpose, by us or by somebody who holds it. */
  | { readonly kind: "ended"; readonly chance: number }
  /** The timer that the last `timer` effect set ran out. */
  | { readonly kind: "due"; readonly chance: number }
  /** Asked to close for good. */
  | { readonly kind: "close" };

export type LinkEffect =
  | { readonly kind: "open" }
  /** Tells the `open` under way to give up. What comes of it still comes as an event. */
  | { readonly kind: "abort" }
  /** Stops waiting for the `open` under way: should it still bring a session, that session is closed at once. */
  | { readonly kind: "abandon" }
  /** Closes the open session. `ended` follows. */
  | { readonly kind: "release" }
  /** Sets the one timer, in place of any other. `due` follows. In ms. */
  | { readonly kind: "timer"; readonly ms: number }
  | { readonly kind: "no_timer" };

export type Step = readonly [LinkState, readonly LinkEffect[]];

const NO_TIMER: LinkEffect = { kind: "no_timer" };
const CLOSED: Step = [{ kind: "closed" }, [NO_TIMER]];

function timer(ms: number): LinkEffect {
  return { kind: "timer", ms };
}

function opening(failures: number): Step {
  return [{ kind: "opening", failures, overdue: false }, [{ kind: "open" }, timer(OPEN_TIMEOUT)]];
}

function waiting(
  failures: number,
  chance: number,
  code: ErrorCode | undefined,
  before: readonly LinkEffect[] = [],
): Step {
  const delay = pauseAfter(failures, chance, code);
  return [{ kind: "waiting", failures, delay }, [...before, timer(delay)]];
}

/**
 * The life of a link. Pure: the next state and what is to be done about it.
 * Invariants: an `open` effect comes only when none is under way and no session is open; nothing follows `closed`.
 * An event that means nothing in a state (a timer that ran out while it was being cleared) changes nothing.
 */
export function step(state: LinkState, event: LinkEvent): Step {
  switch (state.kind) {
    case "idle":
      if (event.kind === "start") return opening(0);
      return event.kind === "close" ? CLOSED : [state, []];
    case "opening":
      return stepOpening(state, event);
    case "up":
      if (event.kind === "lost") return waiting(state.failures + 1, event.chance, event.code);
      if (event.kind === "ended") return CLOSED;
      if (event.kind === "due") return [{ kind: "up", failures: 0 }, []];
      if (event.kind === "close") return [{ kind: "closing" }, [{ kind: "release" }, timer(CLOSE_TIMEOUT)]];
      return [state, []];
    case "waiting":
      if (event.kind === "due") return opening(state.failures);
      return event.kind === "close" ? CLOSED : [state, []];
    case "closing":
      return stepClosing(state, event);
    case "closed":
      return [state, []];
  }
}

function stepOpening(state: LinkState & { kind: "opening" }, event: LinkEvent): Step {
  switch (event.kind) {
    case "opened":
      // One that was told to give up holds an aborted signal: as a session it is of no use.
      return state.overdue
        ? [state, [{ kind: "release" }, timer(CLOSE_TIMEOUT)]]
        : [{ kind: "up", failures: state.failures }, [timer(SOUND_AFTER)]];
    case "ended":
      return waiting(state.failures + 1, event.chance, undefined);
    case "lost":
    case "failed":
      return waiting(state.failures + 1, event.chance, event.code);
    case "due":
      return state.overdue
        ? waiting(state.failures + 1, event.chance, undefined, [{ kind: "abandon" }])
        : [{ ...state, overdue: true }, [{ kind: "abort" }, timer(GIVE_UP_TIMEOUT)]];
    case "close":
      return [{ kind: "closing" }, [{ kind: "abort" }, timer(CLOSE_TIMEOUT)]];
    default:
      return [state, []];
  }
}

function stepClosing(state: LinkState, event: LinkEvent): Step {
  switch (event.kind) {
    case "opened":
      return [state, [{ kind: "release" }]];
    case "failed":
    case "lost":
    case "ended":
      return CLOSED;
    case "due":
      // It neither opens nor closes. Whoever stops the gateway must not wait for it for ever.
      return [{ kind: "closed" }, [{ kind: "abandon" }, NO_TIMER]];
    default:
      return [state, []];
  }
}
