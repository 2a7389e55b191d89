import type { LinkContext, Session } from "../../../src/core/adapter.js";
import { messageOf, WeirError } from "../../../src/core/errors.js";
import { type CoapService, openEndpoint } from "../../../src/protocols/coap/index.js";
import type { Address } from "../../../src/protocols/datagram/index.js";
import type { Settings } from "../config.js";
import { type Credentials, openCredentials } from "../dtls/credentials.js";
import { type OpenGateway, openGateway } from "../pubsub/open.js";
import { createHandler } from "./handler.js";
import { type Listener, openListener, type Told } from "./listener.js";
import { reportOutcome } from "./report.js";
import { createTargets, type Device } from "./targets.js";

/** An open session, and what it listens on and holds: for tests and status. */
export interface CoapSession extends Session {
  /** In the order of the settings. */
  readonly listeners: readonly { readonly local: Address; readonly service: Pick<CoapService, "counters" | "state"> }[];
}

/** Listens for all devices that post. Rejects with ADDRESS_IN_USE, LISTEN_FAILED, CERTIFICATE_INVALID, or CLOSED once the signal is aborted. */
export async function openSession(
  settings: Settings,
  devices: readonly Device[],
  context: LinkContext,
): Promise<CoapSession> {
  const { journal, signal } = context;
  const at = linkName(settings.listen);
  throwIfAborted(signal, at);
  const secured = settings.listen.some((url) => url.startsWith("dtls:"));
  const credentials =
    secured && settings.dtls !== undefined ? openCredentials({ settings: settings.dtls, journal, at }) : undefined;
  const listeners = await openAll(settings, credentials, { journal, at });
  const open = listeners.map((listener) => ({
    local: listener.transport.local,
    ...serve(listener, settings, devices, context),
  }));

  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    credentials?.stop();
    signal.removeEventListener("abort", close);
    for (const { gateway } of open) gateway?.close();
    await Promise.all(open.map(({ service }) => service.close()));
  };
  const close = (): Promise<void> => {
    closing ??= closeAll();
    return closing;
  };
  // They are one: where one is lost, all are opened anew.
  const closed = Promise.all(open.map(({ service }) => service.closed))
    .then(() => {})
    .catch((cause: unknown) => {
      void close();
      throw new WeirError("LISTEN_FAILED", `${at}: the socket was lost: ${messageOf(cause)}`, { cause });
    });
  // It may be lost before anybody listens; that must not end the process.
  closed.catch(() => {});
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) await close();
  throwIfAborted(signal, at);
  // All in one line: of entries that are alike the journal shows the first.
  const message = `listens ${listeners.map(placeOf).join(", ")}`;
  journal({ level: "info", event: "coap_listening", at, message });
  return {
    listeners: open,
    closed,
    execute: async ({ device, resource, action }) => {
      throw new WeirError(
        "ACTION_UNSUPPORTED",
        `${device}/${resource}: this device posts to Weir; one that can be asked has a coap:// address (${action})`,
      );
    },
    close,
  };
}

export function linkName(listen: readonly string[]): string {
  return `coap:${listen.join(",")}`;
}

function placeOf({ secure, transport }: Listener): string {
  const { address, port } = transport.local;
  return `for ${secure ? "CoAP over DTLS" : "CoAP"} on ${address} port ${port}`;
}

/** All or none. */
async function openAll(settings: Settings, credentials: Credentials | undefined, told: Told): Promise<Listener[]> {
  const opened: Listener[] = [];
  try {
    for (const url of settings.listen) opened.push(await openListener(url, settings, credentials, told));
    return opened;
  } catch (error) {
    credentials?.stop();
    await Promise.all(opened.map(({ transport }) => transport.close()));
    throw error;
  }
}

function serve(
  listener: Listener,
  { listen, maxPayload, maxPending, echo, dtls, pubsub: settings }: Settings,
  devices: readonly Device[],
  { sink, journal, now, pubsub }: LinkContext,
): { readonly service: CoapService; readonly gateway: OpenGateway | undefined } {
  const at = linkName(listen);
  const channel = { secure: listener.secure, required: dtls?.required ?? false };
  const targets = createTargets(devices);
  const posted = createHandler({ sink, journal, now, at, targets, maxPayload, channel });
  const gateway = settings && pubsub && openGateway({ settings, pubsub, journal, at, maxPayload, channel }, posted);
  const service = openEndpoint(listener.transport, {
    handler: gateway?.handler ?? posted,
    maxBody: maxPayload,
    maxPending,
    echo,
    onOutcome: (outcome, peer) => reportOutcome(outcome, peer, at, journal),
    onFailure: (failure) => {
      journal({ level: "error", event: "coap_failed", at, message: `a fault of Weir's own: ${messageOf(failure)}` });
    },
  });
  return { service, gateway };
}

function throwIfAborted(signal: AbortSignal, at: string): void {
  if (signal.aborted) throw new WeirError("CLOSED", `${at}: the gateway is stopping`);
}
