import type { Peer } from "../datagram/index.js";
import type { ClientEffect } from "./client/effects.js";
import type { CoapRequest, CoapResponse, NotifyOutcome } from "./request.js";
import type { Observation } from "./server/observations.js";

/** What became of a datagram. Each ends in exactly one. */
export const OUTCOMES = [
  /** Delivered to the handler. */
  "request",
  /** A block of a body that is not whole yet: answered 2.31. Or it asks for a block of an answer that is kept. */
  "block",
  /** Was there before: answered as before (RFC 7252 4.5). */
  "duplicate",
  /** An empty confirmable message: answered with a reset (RFC 7252 4.3). */
  "ping",
  /** The acknowledgement of a confirmable message of ours: a separate response, a notification, a request that is answered later. */
  "acknowledged",
  /** The reset of a message of ours. */
  "rejected",
  /** The reset that answers a ping of ours. */
  "pong",
  /** The answer to a request of ours, or a block of it. */
  "response",
  /** A newer state of a resource that we observe (RFC 7641). */
  "notification",
  /** A state that is not newer than those before (RFC 7641 3.4): acknowledged, and not delivered. */
  "stale",
  /** An acknowledgement, reset or response to nothing that we sent. */
  "stray",
  /** Not CoAP, or not as RFC 7252 3 has it: a confirmable one is reset (RFC 7252 4.2). */
  "malformed",
  /** Not version 1: ignored (RFC 7252 3). */
  "version",
  /** From port 0, which no answer reaches. */
  "port_zero",
  /** A confirmable message to a group, which there must not be (RFC 7252 8.1). */
  "multicast",
  /** A critical option that is not understood. A request: 4.02, or 5.05 if it asks for a proxy; a response: reset, if confirmable. */
  "bad_option",
  /** A Block1 option that cannot be: 4.00. */
  "bad_block",
  /** A block that is not the next one: 4.08. */
  "block_incomplete",
  /** A body beyond the bound: 4.13. */
  "too_large",
  /** Too many requests wait for the handler: 5.03. Or too many states for who observes: not acknowledged. */
  "overload",
  /** Its sender has to show first that it is where it says: 4.01 with an Echo option (RFC 9175 2.4). */
  "challenged",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Effect =
  | { readonly kind: "send"; readonly peer: Peer; readonly bytes: Uint8Array }
  /** To be answered by `respond`, once, at any time. */
  | { readonly kind: "request"; readonly exchange: Exchange; readonly request: CoapRequest }
  /** An observer is on the list: its handler is to be told. */
  | {
      readonly kind: "observing";
      readonly observation: Observation;
      readonly observe: NonNullable<CoapResponse["observe"]>;
    }
  /** What became of a notification: whoever waits for it is to be told. */
  | { readonly kind: "notified"; readonly settle: (outcome: NotifyOutcome) => void; readonly outcome: NotifyOutcome }
  /** An observation has ended: its handler is to be told. */
  | { readonly kind: "ended"; readonly ended: () => void }
  /** Something may be due sooner than `shortestWait` has it: `deadline` is to be looked at. */
  | { readonly kind: "deadline" }
  | ClientEffect;

/** A request that waits for its response. Opaque. */
export interface Exchange {
  readonly peer: Peer;
}

export interface Received {
  readonly outcome: Outcome;
  readonly effects: readonly Effect[];
}

export function ended(outcome: Outcome, ...effects: Effect[]): Received {
  return { outcome, effects };
}
