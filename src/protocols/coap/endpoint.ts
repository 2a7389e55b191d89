import type { Peer } from "../datagram/index.js";
import { type Message, parseMessage } from "./message.js";
import { createMessageLayer, type MessageLayer, type MessageLayerOptions, type Owner, reset } from "./message-layer.js";
import { type Effect, type Exchange, ended, OUTCOMES, type Outcome, type Received } from "./outcome.js";
import type { CoapResponse } from "./request.js";
import { type ServerOptions, ServerRole, type ServerState } from "./server/server.js";

export interface EndpointOptions extends MessageLayerOptions, ServerOptions {}

/** What the endpoint holds, for status pages and for tests of its bounds. */
export interface EndpointState extends ServerState {
  /** Messages remembered to find duplicates, and the bytes of their addresses and answers. */
  readonly remembered: number;
  readonly rememberedBytes: number;
  /** Confirmable messages of ours on their way. */
  readonly unacknowledged: number;
}

/**
 * A CoAP endpoint (RFC 7252): both roles behind one address, with one sequence of message ids towards a peer. Pure: datagrams,
 * answers and time in, datagrams and requests out. Times are in ms from any fixed start. Everything it holds is bounded by its
 * options.
 */
export class CoapEndpoint {
  readonly counters: Readonly<Record<Outcome, number>>;
  /** ms. Who sets a timer for no longer than this need not look at `deadline` again before it runs out. */
  readonly shortestWait: number;
  readonly #counters: Record<Outcome, number>;
  readonly #layer: MessageLayer;
  readonly #server: ServerRole;

  constructor(options: EndpointOptions = {}) {
    this.#layer = createMessageLayer(options);
    this.#server = new ServerRole(this.#layer, options);
    this.shortestWait = Math.min(this.#server.separateAfter, this.#layer.timing.ackTimeout);
    this.#counters = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
    this.counters = this.#counters;
  }

  receive(bytes: Uint8Array, peer: Peer, multicast: boolean, now: number): Received {
    const received = this.#take(bytes, peer, multicast, now);
    this.#counters[received.outcome]++;
    return received;
  }

  /** Answers a request that `receive` gave out. A second answer to one exchange is ignored. */
  respond(exchange: Exchange, response: CoapResponse, now: number): readonly Effect[] {
    return this.#server.respond(exchange, response, now);
  }

  /** When `tick` wants to be called, or undefined. */
  get deadline(): number | undefined {
    return earliest(this.#layer.transmissions.deadline, this.#server.deadline);
  }

  /** Does what is due. */
  tick(now: number): readonly Effect[] {
    const effects: Effect[] = [...this.#server.tick(now)];
    const { again, lost } = this.#layer.transmissions.tick(now);
    for (const { owner } of lost) this.#lost(owner);
    for (const { peer, bytes } of again) effects.push({ kind: "send", peer, bytes });
    return effects;
  }

  /** The peer's session ended: it will hear and say nothing any more. */
  forget(peer: Peer): readonly Effect[] {
    this.#server.forget(peer);
    this.#layer.transmissions.forget(peer);
    this.#layer.ids.forget(peer);
    return [];
  }

  get state(): EndpointState {
    return {
      ...this.#server.state,
      remembered: this.#layer.received.entries,
      rememberedBytes: this.#layer.received.bytes,
      unacknowledged: this.#layer.transmissions.size,
    };
  }

  #take(bytes: Uint8Array, peer: Peer, multicast: boolean, now: number): Received {
    if (peer.port === 0) return ended("port_zero");
    const parsed = parseMessage(bytes);
    if (!parsed.ok) {
      if (parsed.error === "version") return ended("version");
      // RFC 7252 4.2 and 8.1: a confirmable message that cannot be processed is reset, unless it came to a group.
      const rejected = parsed.type === "CON" && parsed.messageId !== undefined && !multicast;
      return rejected ? ended("malformed", reset(peer, parsed.messageId)) : ended("malformed");
    }
    const { message } = parsed;
    if (multicast && message.type === "CON") return ended("multicast");
    if (message.code === "0.00") return this.#takeEmpty(message, peer);
    // RFC 7252 4.2: a reset is empty.
    if (message.type === "RST") return ended("stray");
    if (!message.code.startsWith("0.")) return this.#takeResponse(message, peer);
    // RFC 7252 4.2: requests do not come in acknowledgements.
    return message.type === "ACK" ? ended("stray") : this.#server.request(message, peer, multicast, now);
  }

  #takeEmpty(message: Message, peer: Peer): Received {
    switch (message.type) {
      case "CON":
        return ended("ping", reset(peer, message.messageId));
      case "NON":
        return ended("stray");
      case "ACK":
        return ended(
          this.#layer.transmissions.settle(peer, message.messageId) === undefined ? "stray" : "acknowledged",
        );
      case "RST":
        return ended(this.#layer.transmissions.settle(peer, message.messageId) === undefined ? "stray" : "rejected");
    }
  }

  /** To nothing: this endpoint asks nothing yet. */
  #takeResponse({ type, messageId }: Message, peer: Peer): Received {
    return type === "CON" ? ended("stray", reset(peer, messageId)) : ended("stray");
  }

  #lost(owner: Owner): void {
    switch (owner.kind) {
      case "response":
      case "notification":
        this.#server.lost();
        return;
      case "request":
        return;
    }
  }
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : other === undefined ? one : Math.min(one, other);
}
