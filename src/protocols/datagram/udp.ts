import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { isWildcard, joinGroups, type MulticastOptions } from "./multicast.js";
import type { Address, DatagramReceiver, DatagramTransport, Peer } from "./transport.js";

export interface UdpOptions {
  /** An address of this machine, or a name for one: `0.0.0.0`, `::`. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Of the socket, in bytes: what comes in while this process is busy waits there. 1 MiB if left out. */
  readonly receiveBuffer?: number;
  /** Groups whose datagrams are heard too. None if left out. */
  readonly multicast?: MulticastOptions | undefined;
}

/** Listens. Rejects with the error of node:dgram, whose `code` says why: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
export async function openUdp(options: UdpOptions): Promise<DatagramTransport> {
  const { host, multicast } = options;
  let port = options.port;
  if (multicast !== undefined && isWildcard(host)) {
    // Beside the sockets of groups it has to share its port, and would share it with a stranger: it must be free first.
    const probe = await bind(host, port, false);
    port = probe.address().port;
    await new Promise<void>((resolve) => probe.close(resolve));
  }
  const socket = await bind(host, port, multicast !== undefined && isWildcard(host));
  const transport = new UdpTransport(socket);
  widen(socket, options.receiveBuffer ?? 1024 * 1024);
  if (multicast !== undefined) await transport.join(multicast);
  return transport;
}

async function bind(host: string, port: number, shared: boolean): Promise<Socket> {
  const socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4", reuseAddr: shared });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, host, resolve);
  });
  return socket;
}

/** The default of Linux is 208 KiB: a burst of a thousand devices would be lost there without a trace. */
function widen(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // A system that allows no more than it gave: Linux takes what is allowed, others refuse. It works with less.
  }
}

class UdpTransport implements DatagramTransport {
  readonly local: Address;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #groups: readonly Socket[] = [];
  #receiver: DatagramReceiver | undefined;
  #unsent = 0;
  #open = true;

  constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.local = { address, port };
    this.closed = new Promise((resolve, reject) => {
      socket.removeAllListeners("error");
      socket.on("error", (error) => {
        reject(error);
        this.#shut();
      });
      socket.once("close", resolve);
    });
    // Whoever awaits it hears of it; if nobody does, the process goes on.
    this.closed.catch(() => {});
    socket.on("message", (bytes, { address, port }) => {
      this.#receiver?.datagram(bytes, peerAt(address, port), false);
    });
  }

  /** Closes what is open where it rejects. */
  async join(options: MulticastOptions): Promise<void> {
    try {
      this.#groups = await joinGroups(this.#socket, options, (bytes, address, port) => {
        this.#receiver?.datagram(bytes, peerAt(address, port), true);
      });
    } catch (error) {
      this.#shut();
      throw error;
    }
  }

  listen(receiver: DatagramReceiver): void {
    this.#receiver = receiver;
  }

  async connect({ address, port }: Address): Promise<Peer> {
    return peerAt(address, port);
  }

  get unsent(): number {
    return this.#unsent;
  }

  send(bytes: Uint8Array, peer: Peer): void {
    if (!this.#open) return;
    try {
      this.#socket.send(bytes, peer.port, peer.address, (error) => {
        // Unreachable, too long, forbidden by a firewall: lost, as datagrams may be.
        if (error !== null) this.#unsent++;
      });
    } catch {
      // node:dgram throws on port 0: lost as well.
      this.#unsent++;
    }
  }

  async close(): Promise<void> {
    this.#shut();
    // A loss was reported by `closed` already.
    await this.closed.catch(() => {});
  }

  #shut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver = undefined;
    for (const group of this.#groups) group.close();
    this.#socket.close();
  }
}

function peerAt(address: string, port: number): Peer {
  return { id: isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`, address, port };
}
