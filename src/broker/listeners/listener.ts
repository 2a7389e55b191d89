import { createServer } from "node:net";
import type { ListenerConfig } from "../../config/index.js";
import { messageOf } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import type { Admission } from "./admission.js";
import { bind } from "./bind.js";
import type { Handle } from "./peer.js";
import { openTlsGate } from "./tls/gate.js";
import { openWay } from "./way.js";

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
    // From now on only accept() fails: the connection is lost, the server is not. Where there are no file descriptors left,
    // libuv closes what comes by itself and says nothing.
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
