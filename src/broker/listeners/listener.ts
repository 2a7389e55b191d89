import { createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../../config/index.js";
import { messageOf } from "../../core/errors.js";
import { isLoopback, plainAddress, senderOf } from "../../core/ip.js";
import type { Journal } from "../../core/journal.js";
import type { Admission } from "./admission.js";
import { Arrival, type Origin, refusalsTo } from "./arrival.js";
import { bind } from "./bind.js";
import type { Handle } from "./peer.js";
import { awaitProxyHeader } from "./proxy/await.js";
import { inRanges } from "./proxy/trusted.js";
import { openTlsGate, type TlsGate } from "./tls/gate.js";
import { createUpgrade } from "./websocket/upgrade.js";

export interface ListenerOptions {
  /** One for all listeners of a broker. */
  readonly admission: Admission;
  readonly journal: Journal;
  /** The longest that a TLS handshake, and the request for a WebSocket, may take; ms. */
  readonly handshakeTimeout: number;
  /** The largest packet of the broker, in bytes: no WebSocket frame is larger. */
  readonly maxPacket: number;
  /** ms since the epoch. */
  readonly now: () => number;
  /** ms that only go forward. */
  readonly ticks: () => number;
  /** How often certificates and keys are looked at for a change, in ms; 10 s if left out. */
  readonly every?: number;
}

export interface Listener {
  /** With the port that the system chose where 0 was asked for: `tcp://127.0.0.1:41683`. */
  readonly url: string;
  /** Lets nobody in any more, and ends every connection that came through it. */
  close(): Promise<void>;
}

const FILES_EVERY = 10_000;
/** A proxy writes its header before anything else: ms. */
const PROXY_TIMEOUT = 5_000;
const LIMITED = "a limit of broker.limits is reached";

/**
 * Lets clients in through admission, the PROXY protocol, TLS and WebSocket, each where it is configured, and hands them to the
 * broker. Rejects with ADDRESS_IN_USE, LISTEN_FAILED or CERTIFICATE_INVALID. A plain TCP socket is handed over as it is.
 */
export async function openListener(
  settings: ListenerConfig,
  handle: Handle,
  options: ListenerOptions,
): Promise<Listener> {
  const { journal } = options;
  const at = `listener ${settings.name ?? settings.url}`;
  const { tls } = settings;
  const { every = FILES_EVERY } = options;
  const gate = tls && (await openTlsGate({ tls, at, journal, now: options.now, every }));
  const way = openWay(settings, handle, { ...options, at, gate });
  // Small packets both ways: Nagle's algorithm would hold an acknowledgement for up to 40 ms.
  const server = createServer({ noDelay: true }, way.accept);
  try {
    const url = await bind(server, settings, settings.mode);
    // From now on only accept() fails, when there are no file descriptors left: the connection is lost, the server is not.
    server.on("error", (error) =>
      journal({ level: "error", event: "accept_failed", at, message: `a connection is lost: ${messageOf(error)}` }),
    );
    const close = async (): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      way.end();
      await Promise.all([closed, gate?.close()]);
    };
    return { url, close };
  } catch (error) {
    await gate?.close();
    throw error;
  }
}

interface WayOptions extends ListenerOptions {
  readonly at: string;
  readonly gate: TlsGate | undefined;
}

/** The way of a connection from accept() to the broker. */
function openWay(settings: ListenerConfig, handle: Handle, options: WayOptions) {
  const { admission, gate, ticks, handshakeTimeout } = options;
  const sockets = new Set<Socket>();
  const refused = refusalsTo(options.journal, options.at);
  const isProxy = settings.proxies && inRanges(settings.proxies);
  const hand = (arrival: Arrival, stream: Duplex): void => arrival.hand(handle, stream, settings.url);
  const upgrade = upgradeOf(settings, options.maxPacket, hand);
  const direct = isProxy === undefined && gate === undefined && upgrade === undefined;

  const accept = (socket: Socket): void => {
    const origin = originOf(settings, socket);
    if (origin === undefined) {
      socket.destroy();
      return;
    }
    const visit = isProxy ? admission.enter() : admission.admit(senderFor(origin), ticks());
    if (typeof visit === "string") {
      socket.destroy();
      refused(visit, origin, LIMITED);
      return;
    }
    const arrival = new Arrival({ socket, visit, origin, refused });
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      visit.leave(ticks());
    });
    // The broker hears the errors of what it was handed; until then nobody does, and its "close" follows.
    socket.on("error", () => {});
    if (direct) hand(arrival, socket);
    else begin(arrival);
  };

  const begin = (arrival: Arrival): void => {
    const { origin, visit } = arrival;
    const full = visit.begin();
    if (full !== undefined) arrival.refuse(full, LIMITED);
    else if (isProxy === undefined) secure(arrival);
    else if (origin.address === undefined || isProxy(origin.address)) askProxy(arrival);
    else arrival.refuse("proxy_unknown", "it is none of the listener's proxies");
  };

  const askProxy = (arrival: Arrival): void => {
    arrival.within(PROXY_TIMEOUT, "the PROXY header");
    awaitProxyHeader(arrival.socket, (header) => {
      arrival.rest();
      if (header.state === "bad") {
        arrival.refuse("proxy_header", `it ${header.why}`);
        return;
      }
      arrival.origin = originBehind(header.source);
      const limit = arrival.visit.identify(senderFor(arrival.origin), ticks());
      if (limit === undefined) secure(arrival);
      else arrival.refuse(limit, LIMITED);
    });
  };

  const secure = (arrival: Arrival): void => {
    if (gate === undefined) {
      request(arrival, arrival.socket);
      return;
    }
    arrival.within(handshakeTimeout, "the handshake");
    gate.enter(arrival.socket, {
      secured: (stream, proven) => {
        arrival.proven = proven;
        request(arrival, stream);
      },
      failed: (reason, why) => arrival.refuse(reason, why),
    });
  };

  const request = (arrival: Arrival, stream: Duplex): void => {
    if (upgrade === undefined) {
      hand(arrival, stream);
      return;
    }
    arrival.within(handshakeTimeout, "the request for a WebSocket");
    upgrade(arrival, stream);
  };

  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { accept, end };
}

/** What asks for the WebSocket, where the listener has any. */
function upgradeOf(
  { scheme, websocket }: ListenerConfig,
  maxPayload: number,
  hand: (arrival: Arrival, stream: Duplex) => void,
): ((arrival: Arrival, stream: Duplex) => void) | undefined {
  if (scheme !== "ws" && scheme !== "wss") return undefined;
  const arrivals = new WeakMap<Duplex, Arrival>();
  const enter = createUpgrade({
    ...websocket,
    maxPayload,
    upgraded: (connection, stream) => {
      const arrival = arrivals.get(connection);
      if (arrival === undefined) stream.destroy();
      else hand(arrival, stream);
    },
    refused: (connection, why) => arrivals.get(connection)?.turnAway("websocket", why),
  });
  return (arrival, stream) => {
    arrivals.set(stream, arrival);
    enter(stream);
  };
}

/** Undefined where it has closed already. */
function originOf({ scheme }: ListenerConfig, { remoteAddress, remotePort }: Socket): Origin | undefined {
  if (scheme === "unix") return { address: undefined, port: undefined, local: true };
  if (remoteAddress === undefined) return undefined;
  const address = plainAddress(remoteAddress);
  return { address, port: remotePort, local: isLoopback(address) };
}

/** Only what the proxy names counts as of this machine: its own connection says nothing of who is behind it. */
function originBehind(source: { readonly address: string; readonly port: number } | undefined): Origin {
  if (source === undefined) return { address: undefined, port: undefined, local: false };
  const address = plainAddress(source.address);
  return { address, port: source.port, local: isLoopback(address) };
}

/** Undefined for this machine's own, who have no limits of their own. */
function senderFor({ address, local }: Origin): string | undefined {
  return local || address === undefined ? undefined : senderOf(address);
}
