import type { Address, DatagramReceiver, DatagramTransport, Peer } from "../../src/protocols/datagram/index.js";
import type { Random } from "./random.js";
import type { VirtualTime } from "./virtual-time.js";

/** What happens to datagrams on their way. */
export interface Path {
  /** Part that is lost, each way. */
  readonly loss?: number;
  /** Part that comes twice, each with a delay of its own. */
  readonly duplicates?: number;
  /** ms, from and to: what was sent later may come sooner. */
  readonly delay?: readonly [number, number];
  /** Longer ones are lost, as where fragments are dropped. */
  readonly mtu?: number;
}

/** A network in one process, whose chance and whose time are given: the same seed is the same run. */
export class Network {
  /** May be changed at any time, for datagrams that are sent from then on. */
  path: Path;
  readonly counters = { sent: 0, lost: 0, twice: 0, tooLong: 0, delivered: 0 };
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #hosts = new Map<string, SimulatedTransport>();

  constructor(time: VirtualTime, random: Random, path: Path = {}) {
    this.#time = time;
    this.#random = random;
    this.path = path;
  }

  /** A socket at this address. */
  open(local: Address): SimulatedTransport {
    const transport = new SimulatedTransport(this, local);
    this.move(transport, local);
    return transport;
  }

  /** From now on it is found there only: what NAT does to a device whose binding ran out. */
  move(transport: SimulatedTransport, to: Address): void {
    this.#hosts.delete(idOf(transport.outside));
    transport.outside = to;
    this.#hosts.set(idOf(to), transport);
  }

  remove(transport: SimulatedTransport): void {
    this.#hosts.delete(idOf(transport.outside));
  }

  carry(bytes: Uint8Array, from: Address, to: Address): void {
    this.counters.sent++;
    const { loss = 0, duplicates = 0, delay: [least, most] = [5, 5], mtu = 65_507 } = this.path;
    if (bytes.length > mtu) {
      this.counters.tooLong++;
      return;
    }
    const times = this.#random.chance(duplicates) ? 2 : 1;
    this.counters.twice += times - 1;
    // Copied now: whoever sent it may use its memory again.
    const copy = Uint8Array.from(bytes);
    for (let count = 0; count < times; count++) {
      if (this.#random.chance(loss)) this.counters.lost++;
      else this.#time.after(least + this.#random.next() * (most - least), () => this.#deliver(copy, from, to));
    }
  }

  #deliver(bytes: Uint8Array, from: Address, to: Address): void {
    const host = this.#hosts.get(idOf(to));
    if (host === undefined) return;
    this.counters.delivered++;
    host.receive(bytes, from);
  }
}

export class SimulatedTransport implements DatagramTransport {
  readonly local: Address;
  readonly unsent = 0;
  readonly closed: Promise<void>;
  /** Where others see it. */
  outside: Address;
  readonly #network: Network;
  readonly #end: () => void;
  #receiver: DatagramReceiver | undefined;

  constructor(network: Network, local: Address) {
    this.#network = network;
    this.local = local;
    this.outside = local;
    let end = (): void => {};
    this.closed = new Promise((resolve) => {
      end = resolve;
    });
    this.#end = end;
  }

  listen(receiver: DatagramReceiver): void {
    this.#receiver = receiver;
  }

  async connect(to: Address): Promise<Peer> {
    return peerAt(to);
  }

  send(bytes: Uint8Array, peer: Peer): void {
    this.#network.carry(bytes, this.outside, peer);
  }

  receive(bytes: Uint8Array, from: Address): void {
    this.#receiver?.datagram(bytes, peerAt(from), false);
  }

  async close(): Promise<void> {
    this.#network.remove(this);
    this.#receiver = undefined;
    this.#end();
  }
}

export function peerAt({ address, port }: Address): Peer {
  return { id: idOf({ address, port }), address, port };
}

function idOf({ address, port }: Address): string {
  return `${address}:${port}`;
}
