import assert from "node:assert/strict";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";
import type { Association } from "../../../../../src/protocols/dtls/endpoint/association.js";
import { type Effect, Endpoint } from "../../../../../src/protocols/dtls/endpoint/endpoint.js";
import { type DtlsOptions, settingsOf } from "../../../../../src/protocols/dtls/endpoint/options.js";
import { type Random, seeded } from "../../../../support/random.js";

export const KEY = Buffer.from("00112233445566778899aabbccddeeff", "hex");
/** One that knows `device-...` and everybody by the same key. */
export const PSK_SERVER: DtlsOptions = {
  server: { psk: { lookup: (identity) => (identity.startsWith("device") ? KEY : undefined) } },
};

export function pskClient(identity = "device-1", key: Uint8Array = KEY): DtlsOptions {
  return { client: () => ({ psk: { identity, key } }) };
}

export function peerAt(address: string, port = 5684): Peer {
  return { id: `${address}:${port}`, address, port };
}

/** An endpoint at an address, and all that it said. */
export class Node {
  readonly endpoint: Endpoint;
  readonly data: { readonly text: string; readonly peer: Association }[] = [];
  readonly opened: Association[] = [];
  readonly ended: Extract<Effect, { kind: "ended" }>[] = [];
  at: Peer;
  readonly #network: Network;

  constructor(network: Network, at: Peer, options: DtlsOptions) {
    this.#network = network;
    this.at = at;
    const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => network.random.between(0, 255)));
    this.endpoint = new Endpoint(settingsOf({ random: bytes, ...options }), network.now);
  }

  connect(to: Node): Association {
    const { peer, effects } = this.endpoint.connect(to.at, this.#network.time);
    this.run(effects);
    return peer;
  }

  send(peer: Association, text: string): boolean {
    const { sent, effects } = this.endpoint.send(peer, Buffer.from(text), this.#network.now);
    this.run(effects);
    return sent;
  }

  /** The session that it opened last. */
  get last(): Association {
    const last = this.opened.at(-1);
    assert.ok(last);
    return last;
  }

  get texts(): string[] {
    return this.data.map(({ text }) => text);
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.#network.carry({ from: this.at, to: effect.to, bytes: effect.datagram });
      if (effect.kind === "opened") this.opened.push(effect.peer);
      if (effect.kind === "ended") this.ended.push(effect);
      if (effect.kind === "data") this.data.push({ text: Buffer.from(effect.bytes).toString(), peer: effect.peer });
    }
  }
}

export interface Flying {
  readonly from: Peer;
  readonly to: Peer;
  readonly bytes: Uint8Array;
}

/** Datagrams that answer each other, and deadlines at one time: far beyond what any test has. */
const MOST_AT_ONCE = 100_000;

/** Carries datagrams in the order in which they were sent, in simulated time. */
export class Network {
  readonly random: Random;
  now = 0;
  /** All that was ever sent. */
  readonly seen: Flying[] = [];
  /** Whether a datagram is lost. */
  loses: (flying: Flying) => boolean = () => false;
  readonly #nodes: Node[] = [];
  readonly #flying: Flying[] = [];

  constructor(seed = 1) {
    this.random = seeded(seed);
  }

  /** 2025. */
  get time() {
    return { now: this.now, wall: 1_750_000_000_000 + this.now };
  }

  add(at: string | Peer, options: DtlsOptions): Node {
    const node = new Node(this, typeof at === "string" ? peerAt(at) : at, options);
    this.#nodes.push(node);
    return node;
  }

  /** It is there no more. */
  remove(node: Node): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  carry(flying: Flying): void {
    this.seen.push(flying);
    if (!this.loses(flying)) this.#flying.push(flying);
  }

  /** Until nothing is on its way. */
  settle(): void {
    let left = MOST_AT_ONCE;
    for (let next = this.#flying.shift(); next !== undefined; next = this.#flying.shift()) {
      assert.ok(left-- > 0, "it settles");
      const { bytes, from, to } = next;
      const node = this.#nodes.find(({ at }) => at.id === to.id);
      node?.run(node.endpoint.receive(bytes, from, this.time));
    }
  }

  /** Lets time pass, with all that is due on the way. */
  pass(ms: number): void {
    const end = this.now + ms;
    this.settle();
    for (let left = MOST_AT_ONCE; ; left--) {
      assert.ok(left > 0, "time goes on");
      const due = Math.min(...this.#nodes.map(({ endpoint }) => endpoint.deadline ?? Number.POSITIVE_INFINITY));
      if (due > end) break;
      this.now = Math.max(this.now, due);
      for (const node of this.#nodes) node.run(node.endpoint.tick(this.now));
      this.settle();
    }
    this.now = end;
  }
}
