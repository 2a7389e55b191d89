import { connect as connectTcp, isIP, type LookupFunction } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { createWebSocketStream, WebSocket } from "ws";
import type { Certificates } from "./credentials.js";

export interface TransportOptions {
  /** mqtt://, mqtts://, ws:// or wss:// */
  readonly url: string;
  readonly certificates: Certificates | undefined;
  /** How names become addresses: the system's, unless a test brings its own. Asked for every connection, so that DNS changes are followed. */
  readonly lookup?: LookupFunction | undefined;
}

const PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883 };
/** The largest WebSocket frame, in bytes: that of the largest MQTT packet (MQTT 3.1.1, 2.2.3). */
const MAX_FRAME = 268_435_455 + 5;

/** Resolves with a connection to the server, encrypted where the scheme asks for it. Rejects with the system's error, or the signal's reason. */
export function openTransport(options: TransportOptions, signal: AbortSignal): Promise<Duplex> {
  const url = new URL(options.url);
  return url.protocol.startsWith("ws") ? openWebSocket(options, signal) : openSocket(url, options, signal);
}

function openSocket(url: URL, { certificates, lookup }: TransportOptions, signal: AbortSignal): Promise<Duplex> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const where = {
    host,
    port: Number(url.port) || PORTS[url.protocol] || 1883,
    // Packets are gathered and written once a turn: waiting for more would only delay them.
    noDelay: true,
    ...(lookup ? { lookup } : {}),
  };
  const encrypted = url.protocol === "mqtts:";
  const socket = encrypted
    ? connectTls({ ...where, ...(isIP(host) === 0 ? { servername: host } : {}), ...certificates })
    : connectTcp(where);
  return opened(socket, socket, encrypted ? "secureConnect" : "connect", () => socket.destroy(), signal);
}

function openWebSocket({ url, certificates, lookup }: TransportOptions, signal: AbortSignal): Promise<Duplex> {
  const client = new WebSocket(url, "mqtt", {
    perMessageDeflate: false,
    maxPayload: MAX_FRAME,
    ...(lookup ? { lookup } : {}),
    ...certificates,
  });
  const stream = createWebSocketStream(client);
  // Told before it is open as well, and nobody else listens then.
  stream.on("error", () => {});
  return opened(stream, client, "open", () => client.terminate(), signal);
}

interface Opening {
  once(event: string, listener: (error: Error) => void): unknown;
  off(event: string, listener: (error: Error) => void): unknown;
  on(event: "error", listener: () => void): unknown;
}

function opened(
  stream: Duplex,
  source: Opening,
  event: string,
  destroy: () => void,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      source.off(event, succeed);
      source.off("error", fail);
      source.off("close", closed);
      signal.removeEventListener("abort", abort);
    };
    const succeed = (): void => {
      settle();
      resolve(stream);
    };
    const fail = (error: Error): void => {
      settle();
      // Whatever else goes wrong with it concerns nobody any more.
      source.on("error", () => {});
      destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error("the connection was closed while it was being made"));
    const abort = (): void => fail(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    source.once(event, succeed);
    source.once("error", fail);
    source.once("close", closed);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
  });
}
