import type { Journal } from "../../../src/core/journal.js";
import type { Outcome } from "../../../src/protocols/coap/index.js";
import type { Peer } from "../../../src/protocols/datagram/index.js";
import { peerText } from "../posted/identity.js";

/** What came to the socket of an asked device and says nothing: a device that "does not answer" may well do, in its own way. */
export function tellDiscarded(outcome: Outcome, peer: Peer, device: string, journal: Journal): void {
  if (!Object.hasOwn(DISCARDED, outcome)) return;
  const message = `a datagram from ${peerText(peer)}: ${DISCARDED[outcome]}`;
  journal({ level: "info", event: "coap_discarded", at: device, message, reason: outcome });
}

const DISCARDED: Partial<Record<Outcome, string>> = {
  malformed: "it is not CoAP",
  version: "it is not of CoAP version 1",
  bad_option: "it has a critical option that is not understood",
  stray: "it answers nothing that was asked, or comes too late",
};
