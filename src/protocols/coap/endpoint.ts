import type { Peer } from "../datagram/index.js";
import { type Message, parseMessage } from "./message.js";
import { createMessageLayer, type MessageLayer, type MessageLayerOptions, type Owner, reset } from "./message-layer.js";
import { type Effect, type Exchange, ended, OUTCOMES, type Outcome, type Received } from "./outcome.js";
import type { CoapResponse } from "./request.js";
import type { Notification, Observation } from "./server/observations.js";
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
    for (const { owner } of lost) effects.push(...this.#lost(owner, now));
    for (const transmission of again) {
      const { owner, peer } = transmission;
      if (owner.kind === "notification") effects.push(...this.#server.renew(owner, transmission, now));
      effects.push({ kind: "send", peer, bytes: transmission.bytes });
    }
    return effects;
  }

  /** The peer's session ended: it will hear and say nothing any more. */
  forget(peer: Peer, now: number): readonly Effect[] {
    const effects = this.#server.forget(peer, now);
    this.#layer.transmissions.forget(peer);
    this.#layer.ids.forget(peer);
    return effects;
  }

  /** Sends a new state to an observer. It throws RangeError on options that no message can hold. */
  notify(observation: Observation, notification: Notification, now: number): readonly Effect[] {
    return this.#server.notify(observation, notification, now);
  }

  /** Takes an observer off the list. */
  endObservation(observation: Observation, now: number): readonly Effect[] {
    return this.#server.end(observation, now);
  }

  /** Nothing comes in or goes out any more: who waits hears of it. */
  close(now: number): readonly Effect[] {
    return this.#server.close(now);
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
    if (message.code === "0.00") return this.#takeEmpty(message, peer, now);
    // RFC 7252 4.2: a reset is empty.
    if (message.type === "RST") return ended("stray");
    if (!message.code.startsWith("0.")) return this.#takeResponse(message, peer);
    // RFC 7252 4.2: requests do not come in acknowledgements.
    return message.type === "ACK" ? ended("stray") : this.#server.request(message, bytes.length, peer, multicast, now);
  }

  #takeEmpty({ type, messageId }: Message, peer: Peer, now: number): Received {
    switch (type) {
      case "CON":
        return ended("ping", reset(peer, messageId));
      case "NON":
        return ended("stray");
      case "ACK": {
        const owner = this.#layer.transmissions.settle(peer, messageId);
        return owner === undefined ? ended("stray") : ended("acknowledged", ...this.#acknowledged(owner, peer, now));
      }
      case "RST": {
        const owner = this.#layer.transmissions.settle(peer, messageId);
        // One that was not confirmable can be reset as well.
        const effects = this.#server.rejected(peer, messageId, now);
        return owner === undefined && effects === undefined ? ended("stray") : ended("rejected", ...(effects ?? []));
      }
    }
  }

  /** To nothing: this endpoint asks nothing yet. */
  #takeResponse({ type, messageId }: Message, peer: Peer): Received {
    return type === "CON" ? ended("stray", reset(peer, messageId)) : ended("stray");
  }

  #acknowledged(owner: Owner, peer: Peer, now: number): readonly Effect[] {
    return owner.kind === "request" ? [] : this.#server.acknowledged(owner, peer, now);
  }

  #lost(owner: Owner, now: number): readonly Effect[] {
    return owner.kind === "request" ? [] : this.#server.lost(owner, now);
  }
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : other === undefined ? one : Math.min(one, other);
}
