import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../../config/index.js";
import { isLoopback, plainAddress, senderOf } from "../../core/ip.js";
import type { Journal } from "../../core/journal.js";
import type { Admission } from "./admission.js";
import { Arrival, type Origin, refusalsTo } from "./arrival.js";
import type { Handle } from "./peer.js";
import { awaitProxyHeader } from "./proxy/await.js";
import { inRanges } from "./proxy/trusted.js";
import type { TlsGate } from "./tls/gate.js";
import { createUpgrade } from "./websocket/upgrade.js";

export interface WayOptions {
  readonly admission: Admission;
  readonly journal: Journal;
  /** The listener, for the journal. */
  readonly at: string;
  /** TLS, where the listener has any. */
  readonly gate: TlsGate | undefined;
  /** ms. */
  readonly handshakeTimeout: number;
  /** Bytes. */
  readonly maxPacket: number;
  /** ms that only go forward. */
  readonly ticks: () => number;
}

export interface Way {
  accept(socket: Socket): void;
  /** Ends every connection that came through it. */
  end(): void;
}

/** A proxy writes its header before anything else: ms. */
const PROXY_TIMEOUT = 5_000;
const LIMITED = "a limit of broker.limits is reached";

/** The way of a connection from accept() to the broker. */
export function openWay(settings: ListenerConfig, handle: Handle, options: WayOptions): Way {
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
