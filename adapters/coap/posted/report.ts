import type { Journal } from "../../../src/core/journal.js";
import type { Outcome } from "../../../src/protocols/coap/index.js";
import type { Peer } from "../../../src/protocols/datagram/index.js";
import { peerText } from "./identity.js";

/** What the message layer refused or threw away: requests never seen by the handler, and what is no request. */
export function reportOutcome(outcome: Outcome, peer: Peer, at: string, journal: Journal): void {
  if (Object.hasOwn(REFUSED, outcome)) {
    const message = `a request from ${peerText(peer)}: ${REFUSED[outcome]}`;
    journal({ level: "warn", event: "coap_refused", at, message, reason: outcome });
  } else if (Object.hasOwn(DISCARDED, outcome)) {
    const message = `a datagram from ${peerText(peer)}: ${DISCARDED[outcome]}`;
    journal({ level: "info", event: "coap_discarded", at, message, reason: outcome });
  }
}

const REFUSED: Partial<Record<Outcome, string>> = {
  bad_option: "it has a critical option that is not understood",
  bad_block: "it has a block of a size that must not be",
  block_incomplete: "its block is not the next one of its body",
  too_large: "its body is larger than adapters.coap.maxPayload",
  overload: "adapters.coap.maxPending requests wait already",
};

const DISCARDED: Partial<Record<Outcome, string>> = {
  malformed: "it is not CoAP",
  version: "it is not of CoAP version 1",
  port_zero: "no answer reaches port 0",
  multicast: "a confirmable message must not go to a group",
  stray: "it answers nothing that was asked",
};
