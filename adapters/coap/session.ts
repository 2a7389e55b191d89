import type { LinkContext, Session } from "../../src/core/adapter.js";
import { messageOf, WeirError } from "../../src/core/errors.js";
import type { Journal } from "../../src/core/journal.js";
import { type CoapService, type Outcome, openEndpoint } from "../../src/protocols/coap/index.js";
import { type DatagramTransport, openUdp, type Peer } from "../../src/protocols/datagram/index.js";
import { listenAddress, type Settings } from "./config.js";
import { createHandler } from "./posted/handler.js";
import { createTargets, type Device } from "./posted/targets.js";

/** An open session, and what it listens on and holds: for tests and status. */
export interface CoapSession extends Session {
  readonly local: DatagramTransport["local"];
  readonly service: Pick<CoapService, "counters" | "state">;
}

/** Listens for all devices. Rejects with ADDRESS_IN_USE, LISTEN_FAILED, or CLOSED once the signal is aborted. */
export async function openSession(
  { listen, maxPayload, maxPending }: Settings,
  devices: readonly Device[],
  { sink, journal, now, signal }: LinkContext,
): Promise<CoapSession> {
  const at = linkName(listen);
  throwIfAborted(signal, listen);
  const transport = await openUdp(listenAddress(listen)).catch((cause: unknown) => {
    throw listenError(listen, cause);
  });
  if (signal.aborted) await transport.close();
  throwIfAborted(signal, listen);
  const targets = createTargets(devices);
  const service = openEndpoint(transport, {
    handler: createHandler({ sink, journal, now, at, targets, maxPayload }),
    maxBody: maxPayload,
    maxPending,
    onOutcome: (outcome, peer) => report(outcome, peer, at, journal),
    onFailure: (failure) => {
      journal({ level: "error", event: "coap_failed", at, message: `a fault of Weir's own: ${messageOf(failure)}` });
    },
  });
  const close = (): Promise<void> => service.close();
  const abort = (): void => void close();
  signal.addEventListener("abort", abort, { once: true });
  const closed = lostAs(service.closed, at).finally(() => signal.removeEventListener("abort", abort));
  // It may be lost before anybody listens; that must not end the process.
  closed.catch(() => {});
  const { address, port } = transport.local;
  journal({ level: "info", event: "coap_listening", at, message: `listens for CoAP on ${address} port ${port}` });
  return {
    local: transport.local,
    service,
    closed,
    execute: async ({ device, resource, action }) => {
      throw new WeirError(
        "ACTION_UNSUPPORTED",
        `${device}/${resource}: CoAP devices post to Weir; this version does not ask them anything (${action})`,
      );
    },
    close,
  };
}

export function linkName(listen: string): string {
  return `coap:${listen}`;
}

function throwIfAborted(signal: AbortSignal, listen: string): void {
  if (signal.aborted) throw new WeirError("CLOSED", `${listen}: the gateway is stopping`);
}

function listenError(listen: string, cause: unknown): WeirError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE")
    return new WeirError("ADDRESS_IN_USE", `${listen}: another program listens there`, { cause });
  return new WeirError("LISTEN_FAILED", `${listen}: ${messageOf(cause)}`, { cause });
}

async function lostAs(closed: Promise<void>, at: string): Promise<void> {
  try {
    await closed;
  } catch (cause) {
    throw new WeirError("LISTEN_FAILED", `${at}: the socket was lost: ${messageOf(cause)}`, { cause });
  }
}

/** What the message layer refused or threw away: requests never seen by the handler, and what is no request. */
function report(outcome: Outcome, { address, port }: Peer, at: string, journal: Journal): void {
  const from = `from ${address} port ${port}`;
  switch (outcome) {
    case "bad_option":
    case "bad_block":
    case "block_incomplete":
    case "too_large":
    case "overload":
      journal({
        level: "warn",
        event: "coap_refused",
        at,
        message: `a request ${from}: ${WHY[outcome]}`,
        reason: outcome,
      });
      return;
    case "malformed":
    case "version":
    case "port_zero":
    case "multicast":
    case "stray":
      journal({
        level: "info",
        event: "coap_discarded",
        at,
        message: `a datagram ${from}: ${WHY[outcome]}`,
        reason: outcome,
      });
      return;
    default:
      return;
  }
}

const WHY = {
  bad_option: "it has a critical option that is not understood",
  bad_block: "it has a block of a size that must not be",
  block_incomplete: "its block is not the next one of its body",
  too_large: "its body is larger than adapters.coap.maxPayload",
  overload: "adapters.coap.maxPending requests wait already",
  malformed: "it is not CoAP",
  version: "it is not of CoAP version 1",
  port_zero: "no answer reaches port 0",
  multicast: "a confirmable message must not go to a group",
  stray: "it answers nothing that was asked",
} as const;
