import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import { Aedes } from "aedes";
import { Admission, type AdmissionLimits } from "../../src/broker/listeners/admission.js";
import { type Listener, openListener } from "../../src/broker/listeners/listener.js";
import type { Peer } from "../../src/broker/listeners/peer.js";
import type { ListenerConfig } from "../../src/config/index.js";
import type { Entry } from "../../src/core/journal.js";
import { usualLimits as wide } from "./broker.js";

export interface TestListener extends Listener {
  readonly port: number;
  readonly admission: Admission;
  /** Whoever came to MQTT. */
  readonly peers: readonly Peer[];
  readonly streams: readonly Duplex[];
  readonly entries: readonly Entry[];
  /** Why connections were refused, in order. */
  reasons(): (string | undefined)[];
}

export interface ListenerTrial {
  readonly limits?: Partial<AdmissionLimits>;
  readonly handshakeTimeout?: number;
  readonly maxPacket?: number;
  readonly now?: () => number;
  /** In place of a broker. */
  readonly handle?: (stream: Duplex) => void;
}

/** A listener in front of a broker, ended with the test. Its files are looked at all the time. */
export async function startListener(
  t: TestContext,
  settings: ListenerConfig,
  trial: ListenerTrial = {},
): Promise<TestListener> {
  const aedes = await Aedes.createBroker();
  const [peers, streams, entries]: [Peer[], Duplex[], Entry[]] = [[], [], []];
  const admission = new Admission({ ...wide, ...trial.limits });
  const take = (stream: Duplex, peer: Peer): void => {
    peers.push(peer);
    streams.push(stream);
    if (trial.handle) trial.handle(stream);
    else aedes.handle(stream);
  };
  const listener = await openListener(settings, take, {
    admission,
    journal: (entry) => entries.push(entry),
    handshakeTimeout: trial.handshakeTimeout ?? 10_000,
    maxPacket: trial.maxPacket ?? 1024 * 1024,
    now: trial.now ?? Date.now,
    ticks: () => performance.now(),
    every: 20,
  }).catch((error: unknown) => {
    aedes.close();
    throw error;
  });
  t.after(async () => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    await listener.close();
  });
  const reasons = () => entries.filter(({ event }) => event === "connection_refused").map(({ reason }) => reason);
  const port = settings.scheme === "unix" ? 0 : Number(new URL(listener.url).port);
  return { ...listener, port, admission, peers, streams, entries, reasons };
}

/** On 127.0.0.1, where the system chooses a port. */
export function local<S extends "tcp" | "tls" | "ws" | "wss">(scheme: S, more: object = {}) {
  return { scheme, host: "127.0.0.1", port: 0, url: `${scheme}://127.0.0.1:0`, ...more };
}
