import type { Peer } from "../datagram/index.js";
import type { CoapRequest } from "./request.js";

/** What became of a datagram. Each ends in exactly one. */
export const OUTCOMES = [
  /** Delivered to the handler. */
  "request",
  /** A block of a body that is not whole yet: answered 2.31. */
  "block",
  /** Was there before: answered as before (RFC 7252 4.5). */
  "duplicate",
  /** An empty confirmable message: answered with a reset (RFC 7252 4.3). */
  "ping",
  /** The acknowledgement of a separate response. */
  "acknowledged",
  /** The reset of a separate response. */
  "rejected",
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
  /** A critical option that is not understood: 4.02, or 5.05 if it asks for a proxy. */
  "bad_option",
  /** A Block1 option that cannot be: 4.00. */
  "bad_block",
  /** A block that is not the next one: 4.08. */
  "block_incomplete",
  /** A body beyond the bound: 4.13. */
  "too_large",
  /** Too many requests wait for the handler: 5.03. */
  "overload",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Effect =
  | { readonly kind: "send"; readonly peer: Peer; readonly bytes: Uint8Array }
  /** To be answered by `respond`, once, at any time. */
  | { readonly kind: "request"; readonly exchange: Exchange; readonly request: CoapRequest };

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
