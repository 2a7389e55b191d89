import type { Link, Session } from "../core/adapter.js";
import { type ErrorCode, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { PubSub } from "../core/pubsub.js";
import type { ReadingSink } from "../core/reading.js";
import { linkReport } from "./report.js";
import { type LinkEffect, type LinkEvent, type LinkState, OPEN_TIMEOUT, step } from "./state.js";

/** Runs something once after `ms`; what it returns takes that back. */
export type SetTimer = (run: () => void, ms: number) => () => void;

export interface SuperviseContext {
  readonly sink: ReadingSink;
  readonly journal: Journal;
  /** For the adapter (`LinkContext.now`). */
  readonly now: () => number;
  /** For the adapter (`LinkContext.pubsub`). */
  readonly pubsub?: PubSub | undefined;
  /** ms of a clock that does not jump: `performance.now` if left out. */
  readonly ticks?: () => number;
  /** Aborted when the gateway stops: the same as `close`. */
  readonly signal: AbortSignal;
  /** Called after every change, never before `superviseLink` has returned. Must not throw. */
  readonly onState: (state: LinkState) => void;
  /** From 0 up to 1, for the jitter. */
  readonly random?: () => number;
  readonly setTimer?: SetTimer;
}

/** A link that is opened again whenever it is lost. */
export interface Supervised {
  readonly state: LinkState;
  /** The open session: a command has somewhere to go. Undefined while the link is down. */
  session(): Session | undefined;
  /** Closes for good. Resolves when the link is released, or after a bounded time at most. Never rejects. */
  close(): Promise<void>;
}

const realTimer: SetTimer = (run, ms) => {
  const timeout = setTimeout(run, ms);
  return () => clearTimeout(timeout);
};

const TOO_LONG = new Error(`it took more than ${OPEN_TIMEOUT / 1000} s`);

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof WeirError ? error.code : undefined;
}

/** With its device where it has one: what a person knows is the device. */
function nameOf({ name, devices }: Link): string {
  return devices.length === 1 ? `${name} (${devices[0]})` : name;
}

/** One `open` and what came of it. What a left-behind attempt still says is not listened to. */
interface Attempt {
  readonly controller: AbortController;
  session?: Session;
  released: boolean;
}

/** Opens a link, and opens it again with growing pauses when it fails or is lost, until it is closed. */
export function superviseLink(link: Link, context: SuperviseContext): Supervised {
  const random = context.random ?? Math.random;
  const setTimer = context.setTimer ?? realTimer;
  const report = linkReport(nameOf(link), context.journal, context.ticks ?? (() => performance.now()));
  let state: LinkState = { kind: "idle" };
  let attempt: Attempt | undefined;
  let stopTimer: (() => void) | undefined;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });

  function dispatch(event: LinkEvent, error?: unknown): void {
    const before = state;
    const [after, effects] = step(before, event);
    state = after;
    tell(before, event, error);
    for (const effect of effects) run(effect);
    if (after.kind === "waiting" || after.kind === "closed") letGo();
    if (after !== before) context.onState(after);
    if (after.kind === "closed" && before.kind !== "closed") {
      context.signal.removeEventListener("abort", requestClose);
      finish();
    }
  }

  function tell(before: LinkState, event: LinkEvent, error: unknown): void {
    if (state.kind === "waiting" && before.kind === "up") report.lost(error, state.delay);
    if (state.kind === "waiting" && before.kind === "opening") report.failed(error ?? TOO_LONG, state.delay);
    if (state.kind === "up" && before.kind === "opening") report.up();
    if (state.kind === "up" && event.kind === "due") report.sound();
    if (state.kind === "closed" && before.kind !== "closed") report.closed();
  }

  /** A session that is over must not be kept: its signal is aborted so that it lets go of all that was lent to it. */
  function letGo(): void {
    attempt?.controller.abort();
    attempt = undefined;
  }

  function run(effect: LinkEffect): void {
    switch (effect.kind) {
      case "open":
        attempt = open();
        return;
      case "abort":
        attempt?.controller.abort();
        return;
      case "abandon":
        report.abandoned(attempt?.session === undefined ? "open" : "close");
        attempt?.controller.abort();
        attempt = undefined;
        return;
      case "release":
        if (attempt !== undefined) release(attempt);
        return;
      case "timer":
        stopTimer?.();
        stopTimer = setTimer(() => dispatch({ kind: "due", chance: random() }), effect.ms);
        return;
      case "no_timer":
        stopTimer?.();
        stopTimer = undefined;
    }
  }

  function open(): Attempt {
    const own: Attempt = { controller: new AbortController(), released: false };
    const { sink, journal, now, pubsub } = context;
    // `then` of a settled promise: an adapter that throws at once is the same as one that rejects.
    const opened = Promise.resolve().then(() =>
      link.adapter.open({ sink, journal, now, pubsub, signal: own.controller.signal }),
    );
    opened.then(
      (session) => {
        own.session = session;
        watch(own, session);
        if (own === attempt) dispatch({ kind: "opened" });
        else release(own);
      },
      (error: unknown) => {
        if (own === attempt) dispatch({ kind: "failed", chance: random(), code: codeOf(error) }, error);
      },
    );
    return own;
  }

  function watch(own: Attempt, session: Session): void {
    // Once we close it ourselves the end of `close` is what counts: until then the port may not be free.
    const current = () => own === attempt && !own.released;
    session.closed.then(
      () => {
        if (current()) dispatch({ kind: "ended", chance: random() });
      },
      (error: unknown) => {
        if (current()) dispatch({ kind: "lost", chance: random(), code: codeOf(error) }, error);
      },
    );
  }

  function release(own: Attempt): void {
    const session = own.session;
    if (session === undefined || own.released) return;
    own.released = true;
    const ended = () => {
      own.controller.abort();
      if (own === attempt) dispatch({ kind: "ended", chance: random() });
    };
    // A close that rejects has tried: there is nothing more to be done for it than for one that resolved.
    Promise.resolve()
      .then(() => session.close())
      .then(ended, ended);
  }

  function requestClose(): void {
    dispatch({ kind: "close" });
  }

  context.signal.addEventListener("abort", requestClose);
  // Not in this turn: the caller shall hold what this function returns before it hears of a state.
  queueMicrotask(() => {
    if (context.signal.aborted) requestClose();
    else dispatch({ kind: "start" });
  });

  return {
    get state() {
      return state;
    },
    session: () => (state.kind === "up" ? attempt?.session : undefined),
    close: () => {
      requestClose();
      return finished;
    },
  };
}
