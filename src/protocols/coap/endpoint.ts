import type { Peer } from "../datagram/index.js";
import { type ClientOptions, ClientRole, type ClientState } from "./client/role.js";
import { CoapError } from "./errors.js";
import { type Message, parseMessage } from "./message.js";
import { createMessageLayer, type MessageLayer, type MessageLayerOptions, reset } from "./message-layer.js";
import { type Effect, type Exchange, ended, OUTCOMES, type Outcome, type Received } from "./outcome.js";
import type { CoapResponse } from "./request.js";
import type { Notification, Observation } from "./server/observations.js";
import { type ServerOptions, ServerRole, type ServerState } from "./server/server.js";

/** No observation is renewed earlier than this after something came of it. ms. */
const SOONEST_RENEWAL = 5000;

export interface EndpointOptions extends MessageLayerOptions, ServerOptions, ClientOptions {}

/** What the endpoint holds, for status pages and for tests of its bounds. */
export interface EndpointState extends ServerState, ClientState {
  /** Messages remembered to find duplicates, and the bytes of their addresses and answers. */
  readonly remembered: number;
  readonly rememberedBytes: number;
  /** Confirmable messages of ours on their way. */
  readonly unacknowledged: number;
}

/**
 * A CoAP endpoint (RFC 7252): both roles behind one address, with one sequence of message ids towards a peer. Pure: datagrams,
 * requests, answers and time in, the same out. Times are in ms from any fixed start. Everything it holds is bounded by its
 * options.
 */
export class CoapEndpoint {
  readonly counters: Readonly<Record<Outcome, number>>;
  /** ms. Who sets a timer for no longer than this need not look at `deadline` again before it runs out. */
  readonly shortestWait: number;
  /** The asking side. */
  readonly client: Pick<
    ClientRole,
    "request" | "ping" | "gather" | "abort" | "observe" | "cancel" | "taken" | "refused"
  >;
  readonly #counters: Record<Outcome, number>;
  readonly #layer: MessageLayer;
  readonly #server: ServerRole;
  readonly #client: ClientRole;

  constructor(options: EndpointOptions = {}) {
    this.#layer = createMessageLayer(options);
    this.#server = new ServerRole(this.#layer, options);
    this.#client = new ClientRole(this.#layer, options);
    this.client = this.#client;
    this.shortestWait = Math.min(this.#server.separateAfter, this.#layer.timing.ackTimeout, SOONEST_RENEWAL);
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
    return earliest(this.#layer.transmissions.deadline, earliest(this.#server.deadline, this.#client.deadline));
  }

  /** Does what is due. */
  tick(now: number): readonly Effect[] {
    const effects: Effect[] = [...this.#server.tick(now)];
    const { again, lost } = this.#layer.transmissions.tick(now);
    for (const { owner } of lost) {
      if (owner.kind === "request") this.#client.lost(owner.request, now, effects);
      else effects.push(...this.#server.lost(owner, now));
    }
    for (const transmission of again) {
      const { owner, peer } = transmission;
      if (owner.kind === "notification") effects.push(...this.#server.renew(owner, transmission, now));
      effects.push({ kind: "send", peer, bytes: transmission.bytes });
    }
    this.#client.tick(now, effects);
    return effects;
  }

  /** The peer's session ended: it will hear and say nothing any more. */
  forget(peer: Peer, now: number): readonly Effect[] {
    const effects = [...this.#server.forget(peer, now)];
    this.#client.end(peer, new CoapError("GONE", "the peer's session ended"), now, effects);
    this.#layer.transmissions.forget(peer);
    this.#layer.ids.forget(peer);
    return effects.filter((effect) => effect.kind !== "send" || effect.peer.id !== peer.id);
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
    return [...this.#server.close(now), ...this.closeClient(now)];
  }

  /** Nothing is asked any more: who waits for an answer hears of it. */
  closeClient(now: number): readonly Effect[] {
    const effects: Effect[] = [];
    this.#client.end(undefined, new CoapError("CLOSED", "this endpoint was closed"), now, effects);
    return effects.filter(({ kind }) => kind !== "send");
  }

  get state(): EndpointState {
    return {
      ...this.#server.state,
      ...this.#client.state,
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
    if (!message.code.startsWith("0.")) return this.#client.response(message, peer, multicast, now);
    // RFC 7252 4.2: requests do not come in acknowledgements.
    return message.type === "ACK" ? ended("stray") : this.#server.request(message, bytes.length, peer, multicast, now);
  }

  #takeEmpty({ type, messageId }: Message, peer: Peer, now: number): Received {
    switch (type) {
      case "CON":
        return ended("ping", reset(peer, messageId));
      case "NON":
        return ended("stray");
      case "ACK":
        return this.#takeAcknowledgement(messageId, peer, now);
      case "RST":
        return this.#takeReset(messageId, peer, now);
    }
  }

  #takeAcknowledgement(messageId: number, peer: Peer, now: number): Received {
    const owner = this.#layer.transmissions.settle(peer, messageId);
    if (owner === undefined) return ended("stray");
    if (owner.kind !== "request") return ended("acknowledged", ...this.#server.acknowledged(owner, peer, now));
    const effects: Effect[] = [];
    this.#client.acknowledged(owner.request, now, effects);
    return { outcome: "acknowledged", effects };
  }

  #takeReset(messageId: number, peer: Peer, now: number): Received {
    const owner = this.#layer.transmissions.settle(peer, messageId);
    const effects: Effect[] = [];
    if (owner?.kind === "request") return { outcome: this.#client.rejected(owner.request, now, effects), effects };
    // One that was not confirmable can be reset as well.
    if (this.#client.reset(peer, messageId, now, effects)) return { outcome: "rejected", effects };
    const rejected = this.#server.rejected(peer, messageId, now);
    return owner === undefined && rejected === undefined ? ended("stray") : ended("rejected", ...(rejected ?? []));
  }
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : other === undefined ? one : Math.min(one, other);
}
