import type { Peer } from "../../datagram/index.js";
import { CoapError } from "../errors.js";
import { OPTION, uintOption } from "../options.js";
import type { Effect, Outcome } from "../outcome.js";
import type { Timed } from "../timers.js";
import { type Answer, responseOf } from "./answer.js";
import type { Arrival } from "./arrival.js";
import type { Done, TransferCall } from "./call.js";
import type { IncomingResponse } from "./client.js";
import { isFresh, type Sequence } from "./freshness.js";
import type { Delivery, Observed } from "./handles.js";
import { isPartial } from "./transfer.js";

/** What an observation stands on. */
export interface ObservationGround {
  /** A call that registers or deregisters it, with its token. */
  register(observation: ObservedResource, observe: 0 | 1, done: Done): TransferCall;
  /** A call that fetches what is missing of a state, with tokens of its own (RFC 7959 2.6). */
  rest(observation: ObservedResource, done: Done): TransferCall;
  /** It is to be called by `renew` at this time; undefined: at none. */
  wake(observation: ObservedResource, at: number | undefined): void;
  /** Nothing that comes is for it any more. */
  forget(observation: ObservedResource): void;
  /** From 0 up to 1. */
  random(): number;
}

class State implements Delivery {
  readonly observed: ObservedResource;
  readonly arrival: Arrival;
  /** The newest one before. */
  readonly before: Sequence | undefined;
  /** Undefined while the rest of it is fetched. */
  response: IncomingResponse | undefined;
  /** Nothing comes after it: the server said so. */
  readonly last: boolean;

  constructor(observed: ObservedResource, arrival: Arrival, before: Sequence | undefined, last: boolean) {
    this.observed = observed;
    this.arrival = arrival;
    this.before = before;
    this.last = last;
  }
}

/** States that wait while one is being taken. More are not accepted: who sends them sends them again, or newer ones. */
const MAX_WAITING = 8;
/** RFC 7641 3.3.1: a client waits between 5 and 15 s longer than Max-Age before it asks anew. ms. */
const PATIENCE = 5000;
const PATIENCE_SPREAD = 10_000;

/**
 * One resource that is observed (RFC 7641 3). Pure. Invariants:
 * - states are given out one at a time, each newer than all before; the next one once that was taken or refused;
 * - a state is acknowledged once it was taken, or when it is no use any more: it is not newer, or a newer one overtook it;
 * - `over` is said once, or `cancelled` is; after that nothing is.
 */
export class ObservedResource implements Observed, Timed {
  due = 0;
  place = -1;
  readonly peer: Peer;
  readonly token: Uint8Array;
  readonly #ground: ObservationGround;
  /** ms. */
  readonly #renewAfter: number;
  /** The registration that is under way. */
  #registration: TransferCall | undefined;
  /** Fetches the rest of the state that came last. */
  #rest: TransferCall | undefined;
  #newest: Sequence | undefined;
  /** In the order in which they came; the first one may be given out. */
  readonly #states: State[] = [];
  #givenOut = false;
  #over = false;

  /** `renewAfter`: where Max-Age is longer, in ms. */
  constructor(peer: Peer, token: Uint8Array, ground: ObservationGround, renewAfter: number) {
    this.peer = peer;
    this.token = token;
    this.#ground = ground;
    this.#renewAfter = renewAfter;
  }

  /** Registers, at first and again: the same request with the same token (RFC 7641 3.3.1). */
  renew(now: number, effects: Effect[]): void {
    if (this.#over || this.#registration !== undefined) return;
    this.#registration = this.#ground.register(this, 0, (result, at, out) => {
      this.#registration = undefined;
      if (result instanceof CoapError) this.fail(result, at, out);
      else this.take(result.answer, result.arrival, true, at, out);
    });
    this.#registration.start(now, effects);
  }

  /** An answer with its token. `asked`: to a registration; else it came by itself. */
  take(answer: Answer, arrival: Arrival, asked: boolean, now: number, effects: Effect[]): Outcome {
    const number = uintOption(answer.options, OPTION.observe);
    // RFC 7641 3.2, 4.2: an error ends it, and so does an answer that does not say that it is observed.
    if (number === undefined || !answer.code.startsWith("2.")) {
      this.#close(now, effects);
      arrival.acknowledge(effects);
      this.#append(new State(this, arrival, this.#newest, true), answer, now, effects);
      return "notification";
    }
    if (asked) this.#expect(answer, now);
    const sequence = { number, at: now };
    // What comes with the acknowledgement of a registration is the state of this moment: a server that began anew counts anew.
    if (!(asked && arrival.piggybacked) && !isFresh(this.#newest, sequence)) {
      arrival.acknowledge(effects);
      return "stale";
    }
    if (this.#states.length >= MAX_WAITING) {
      arrival.refuse();
      return "overload";
    }
    this.#expect(answer, now);
    const state = new State(this, arrival, this.#newest, false);
    this.#newest = sequence;
    this.#append(state, answer, now, effects);
    return "notification";
  }

  /** What was given out is taken: whoever sent it need not send it again. */
  taken(delivery: Delivery, effects: Effect[]): void {
    const state = this.#next(delivery);
    if (state === undefined) return;
    state.arrival.acknowledge(effects);
    this.#giveOut(effects);
  }

  /** What was given out is not taken: it is to come again. */
  refused(delivery: Delivery, now: number, effects: Effect[]): void {
    const state = this.#next(delivery);
    if (state === undefined) return;
    this.#refuse(state, now);
    this.#giveOut(effects);
  }

  /** It cannot be kept up. */
  fail(error: CoapError, now: number, effects: Effect[]): void {
    if (this.#over) return;
    this.#close(now, effects);
    this.#states.length = 0;
    effects.push({ kind: "over", observed: this, why: error });
  }

  /** RFC 7641 3.6. `cancelled` is said when the server answered, or cannot be reached. */
  cancel(now: number, effects: Effect[]): void {
    const cancelled: Effect = { kind: "cancelled", observed: this };
    const unknown = this.#over || (this.#newest === undefined && this.#registration?.unsent === true);
    this.#close(now, effects);
    // One that is given out may still be taken, and is acknowledged then.
    this.#states.length = this.#givenOut ? 1 : 0;
    if (unknown) {
      effects.push(cancelled);
      return;
    }
    const call = this.#ground.register(this, 1, (result, _at, out) => {
      if (!(result instanceof CoapError)) result.arrival.acknowledge(out);
      out.push(cancelled);
    });
    call.start(now, effects);
  }

  /** Something newer should come before the state that came just now is too old to be used (RFC 7641 3.3.1). */
  #expect(answer: Answer, now: number): void {
    const patience = responseOf(this.peer, answer).maxAge * 1000 + this.#patience();
    this.#ground.wake(this, now + Math.min(patience, this.#renewAfter));
  }

  #append(state: State, answer: Answer, now: number, effects: Effect[]): void {
    this.#overtake(now, effects);
    this.#states.push(state);
    if (isPartial(answer)) this.#fetch(state, answer, now, effects);
    else state.response = responseOf(this.peer, answer);
    this.#giveOut(effects);
  }

  #fetch(state: State, answer: Answer, now: number, effects: Effect[]): void {
    this.#rest = this.#ground.rest(this, (result, at, out) => {
      this.#rest = undefined;
      if (result instanceof CoapError) {
        this.#unfinished(state, result, at, out);
      } else {
        if (result.arrival !== state.arrival) result.arrival.acknowledge(out);
        const { answer: whole } = result;
        if (state.last || whole.code.startsWith("2.")) state.response = responseOf(this.peer, whole);
        else
          this.#unfinished(state, new CoapError("BLOCKS", `the rest of a state was answered ${whole.code}`), at, out);
      }
      this.#giveOut(out);
    });
    this.#rest.follow(answer, state.arrival, now, effects);
  }

  /** It is always the state that came last. */
  #unfinished(state: State, error: CoapError, now: number, effects: Effect[]): void {
    this.#states.pop();
    // It would be too large the next time, too.
    if (error.code === "TOO_LARGE") this.fail(error, now, effects);
    if (state.last) effects.push({ kind: "over", observed: this, why: error });
    else this.#refuse(state, now);
  }

  /** A state whose rest is being fetched is no use once a newer one is there. */
  #overtake(now: number, effects: Effect[]): void {
    if (this.#rest === undefined) return;
    this.#rest.abandon(now, effects);
    this.#rest = undefined;
    this.#states.pop()?.arrival.acknowledge(effects);
  }

  #giveOut(effects: Effect[]): void {
    const state = this.#states[0];
    if (this.#givenOut || state?.response === undefined) return;
    if (state.last) {
      this.#states.length = 0;
      effects.push({ kind: "over", observed: this, why: state.response });
      return;
    }
    this.#givenOut = true;
    effects.push({ kind: "state", observed: this, delivery: state, state: state.response });
  }

  #next(delivery: Delivery): State | undefined {
    if (!this.#givenOut || this.#states[0] !== delivery) return undefined;
    this.#givenOut = false;
    return this.#states.shift();
  }

  #refuse(state: State, now: number): void {
    state.arrival.refuse();
    if (this.#over || this.#states.length > 0) return;
    // The same state, sent again, is newer than what was taken last.
    this.#newest = state.before;
    // Nobody sends it again by itself.
    if (!state.arrival.confirmable) this.#ground.wake(this, now + this.#patience());
  }

  #close(now: number, effects: Effect[]): void {
    if (this.#over) return;
    this.#over = true;
    this.#registration?.abandon(now, effects);
    this.#registration = undefined;
    this.#overtake(now, effects);
    this.#ground.wake(this, undefined);
    this.#ground.forget(this);
  }

  #patience(): number {
    return PATIENCE + this.#ground.random() * PATIENCE_SPREAD;
  }
}
