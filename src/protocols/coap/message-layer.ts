import type { Peer } from "../datagram/index.js";
import type { OpenRequest } from "./client/handles.js";
import { Dedup } from "./dedup.js";
import { MessageIds } from "./message-ids.js";
import { emptyMessage } from "./message.js";
import type { Effect } from "./outcome.js";
import type { Observation } from "./server/observations.js";
import { DEFAULT_TIMING, type Timing, Transmissions } from "./transmissions.js";

/** Of which role a confirmable message is, that is acknowledged, reset or given up. */
export type Owner =
  /** A separate response: nobody waits for it. */
  | { readonly kind: "response" }
  /** Of the server role. */
  | { readonly kind: "notification"; readonly observation: Observation }
  /** Of the client role. */
  | { readonly kind: "request"; readonly request: OpenRequest };

export interface MessageLayerOptions {
  /**
   * Messages remembered to find duplicates, 16384 if left out: 45 s, in which a client sends all its copies (RFC 7252 4.8.2),
   * at 360 requests a second. One takes some 300 bytes of memory.
   */
  readonly maxRemembered?: number;
  /** Bytes of their addresses and answers, 4 MiB if left out. */
  readonly maxRememberedBytes?: number;
  readonly timing?: Timing;
  /** From 0 up to 1. */
  readonly random?: () => number;
}

/** What the roles of an endpoint stand on together (RFC 7252 4): towards a peer they are one. */
export interface MessageLayer {
  readonly timing: Timing;
  readonly random: () => number;
  /** What we sent and was not acknowledged. */
  readonly transmissions: Transmissions<Owner>;
  /** Of what we send. */
  readonly ids: MessageIds;
  /** What was received. */
  readonly received: Dedup;
}

export function createMessageLayer(options: MessageLayerOptions): MessageLayer {
  const random = options.random ?? Math.random;
  const timing = options.timing ?? DEFAULT_TIMING;
  return {
    timing,
    random,
    transmissions: new Transmissions(timing, random),
    ids: new MessageIds(timing.exchangeLifetime, random),
    received: new Dedup(options.maxRemembered ?? 16_384, options.maxRememberedBytes ?? 4 * 1024 * 1024),
  };
}

/** What cannot be processed is rejected with it (RFC 7252 4.2, 4.3). */
export function reset(peer: Peer, messageId: number): Effect {
  return { kind: "send", peer, bytes: emptyMessage("RST", messageId) };
}
