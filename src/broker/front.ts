import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../config/index.js";
import type { Identity } from "./access/access.js";
import { Connection } from "./connection/connection.js";
import type { Core } from "./core.js";
import type { Admission } from "./listeners/admission.js";
import { type Listener, type ListenerOptions, openListener } from "./listeners/listener.js";
import type { Peer } from "./listeners/peer.js";

/** Where clients come in: the listeners, and the connections that came through them. */
export class Front {
  readonly #core: Core;
  readonly #options: ListenerOptions;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<Connection>();

  constructor(core: Core, admission: Admission) {
    const { limits, journal, wall } = core;
    const { handshakeTimeout, packetSize } = limits;
    this.#core = core;
    this.#options = {
      ...{ admission, journal, handshakeTimeout, maxPacket: packetSize },
      ...{ now: wall, ticks: () => performance.now() },
    };
  }

  /** Clients that were let in. */
  get clients(): number {
    let clients = 0;
    for (const { session } of this.#connections) if (session !== undefined) clients++;
    return clients;
  }

  /** All of them, or none. Resolves to their URLs with the real ports. */
  async listen(settings: readonly ListenerConfig[]): Promise<string[]> {
    try {
      for (const one of settings) {
        const listener = await openListener(one, (socket, peer) => this.#take(socket, peer), this.#options);
        this.#listeners.push(listener);
      }
    } catch (error) {
      await this.#endListeners();
      throw error;
    }
    return this.#listeners.map(({ url }) => url);
  }

  /** Looks at what depends on time. */
  sweep(now: number): void {
    for (const connection of this.#connections) connection.sweep(now);
  }

  permissionsChanged(revoked: (identity: Identity) => boolean): void {
    for (const connection of this.#connections) connection.permissionsChanged(revoked);
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.end("stopping");
    await this.#endListeners();
  }

  #take(socket: Duplex, peer: Peer): void {
    this.#core.stats.sockets++;
    this.#connections.add(new Connection(this.#core, socket, peer, (ended) => void this.#connections.delete(ended)));
  }

  async #endListeners(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }
}
