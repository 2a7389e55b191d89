import type { Peer } from "../../datagram/index.js";
import { encodeMessage, type MessageType } from "../message.js";
import { OPTION, uint } from "../options.js";
import type { MessageLayer, Owner } from "../message-layer.js";
import type { Effect } from "../outcome.js";
import type { CoapResponse, NotifyOutcome } from "../request.js";
import type { Transmission } from "../transmissions.js";
import type { Notification, Observation, Observations, Registration, Subscriber } from "./observations.js";
import type { Reachability } from "./reachability.js";
import {
  amplificationLimit,
  contentOf,
  contentWithin,
  isError,
  messageOf,
  payloadOf,
  requireEncodable,
} from "./response.js";

export interface NotifierOptions {
  /** ms since 1970 at the time 0 of the clock. */
  readonly epoch: number;
  /** Peers without a proof of their address get short notifications only. */
  readonly limited: boolean;
}

/** ms: at least so often a notification is confirmable (RFC 7641 4.5). */
const LONGEST_UNCONFIRMED = 24 * 3_600_000;
/** After so many that were not, one is: an observer that is gone is not sent to for ever (RFC 7641 4.5). */
const MOST_UNCONFIRMED = 16;
/** ms. Where a peer was sent so much that no message id is free, the rest waits for so long. */
const RETRY_AFTER = 1000;
/** Sequence numbers have 24 bits (RFC 7641 4.4). */
const SEQUENCE_RANGE = 2 ** 24;

/**
 * Sends new states to observers (RFC 7641 4.2 to 4.5). Towards one peer at most one confirmable notification is on its way (NSTART,
 * RFC 7252 4.7); of each observation only the newest state waits. Pure: time comes in, datagrams and what became of states go out.
 *
 * An observer without a proof of its address is a victim until it acknowledges something: it gets confirmable notifications only,
 * one at a time, each no longer than an answer to it could be.
 */
export class Notifier {
  readonly #observations: Observations;
  readonly #reachability: Reachability;
  readonly #layer: MessageLayer;
  readonly #options: NotifierOptions;
  /** Who waits for a free message id. */
  readonly #stalled = new Set<Subscriber>();
  #retryAt: number | undefined;

  constructor(layer: MessageLayer, observations: Observations, reachability: Reachability, options: NotifierOptions) {
    this.#observations = observations;
    this.#reachability = reachability;
    this.#layer = layer;
    this.#options = options;
  }

  /**
   * Takes an observer on the list, in the place of those that its registration replaces (RFC 7641 4.1). Undefined: it is not
   * `accepted`, or there is no room. What became of those that had to go is added to `effects`.
   */
  register(registration: Registration, accepted: boolean, effects: Effect[], now: number): Observation | undefined {
    const { peer, token, key } = registration;
    const replaced = this.#observations.replaced(peer, token, key);
    const proved =
      this.#reachability.isProved(peer, now) || replaced.some((one) => !this.#observations.isUnproved(one));
    this.#end(replaced, effects, now);
    if (!accepted) return undefined;
    const room = this.#observations.room(peer);
    if (!room.ok) return undefined;
    if (room.instead !== undefined) this.#end([room.instead], effects, now);
    const observation = this.#observations.add({ ...registration, proved }, now);
    for (const { sequence } of replaced) observation.sequence = Math.max(observation.sequence, sequence);
    return observation;
  }

  /** RFC 7641 3.6: a request with the token of the registration. */
  deregister(peer: Peer, token: string, now: number): Effect[] {
    const observation = this.#observations.find(peer, token);
    return observation === undefined ? [] : this.#end([observation], [], now);
  }

  notify(observation: Observation, notification: Notification, now: number): Effect[] {
    const { flying, waiting } = observation;
    // It may be encoded later, where nobody could be told.
    requireEncodable(notification.state);
    // What says that it has ended is the last word.
    if (observation.ended || isFinal(flying) || isFinal(waiting)) return [notified(notification, "ended")];
    const effects = waiting === undefined ? [] : [notified(waiting, "superseded")];
    observation.waiting = notification;
    const subscriber = this.#observations.of(observation.peer);
    if (subscriber !== undefined) this.#send(subscriber, observation, effects, now);
    return effects;
  }

  /** The number of the next message of this observation: later ones have greater numbers, also after a restart (RFC 7641 4.4). */
  nextSequence(observation: Observation, now: number): number {
    observation.sequence = Math.max(observation.sequence + 1, Math.floor(this.#options.epoch + now));
    return observation.sequence % SEQUENCE_RANGE;
  }

  /** The peer has acknowledged the notification that is on its way. */
  acknowledged(observation: Observation, now: number): Effect[] {
    this.#reachability.prove(observation.peer, now);
    this.#observations.prove(observation.peer);
    observation.confirmedAt = now;
    const { flying } = observation;
    if (flying === undefined) return [];
    observation.flying = undefined;
    const effects = [notified(flying, "acknowledged")];
    if (isFinal(flying)) return this.#end([observation], effects, now);
    this.#landed(observation, effects, now);
    return effects;
  }

  /**
   * The notification that is on its way is to be sent again. If there is a newer state that one goes in its place, with an id of its
   * own and what is left of the attempts (RFC 7641 4.5.2).
   */
  renew(observation: Observation, transmission: Transmission<Owner>, now: number): Effect[] {
    const { flying, waiting } = observation;
    if (flying === undefined || waiting === undefined) return [];
    const messageId = this.#layer.ids.next(observation.peer, now);
    if (messageId === undefined) return [];
    this.#layer.transmissions.supersede(
      transmission,
      messageId,
      this.#encode(observation, waiting.state, "CON", messageId, now),
    );
    observation.sent(messageId);
    observation.flying = waiting;
    observation.waiting = undefined;
    return [notified(flying, "superseded")];
  }

  /** The peer reset a message of that id. Undefined: none of the last notifications had it. */
  rejected(peer: Peer, messageId: number, now: number): Effect[] | undefined {
    const observation = this.#observations.byMessageId(peer, messageId);
    return observation === undefined ? undefined : this.#end([observation], [], now);
  }

  /**
   * The peer's session ended, or it did not acknowledge a notification in all the time there is: it is not interested any more (RFC
   * 7641 4.5), in none of what it observes, for it is not there.
   */
  gone(peer: Peer, now: number): Effect[] {
    return this.#end([...(this.#observations.of(peer)?.observations ?? [])], [], now);
  }

  end(observation: Observation, now: number): Effect[] {
    return this.#end([observation], [], now);
  }

  close(now: number): Effect[] {
    return this.#end(this.#observations.all(), [], now);
  }

  /** When `tick` wants to be called. */
  get deadline(): number | undefined {
    return this.#retryAt;
  }

  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#retryAt === undefined || this.#retryAt > now) return effects;
    this.#retryAt = undefined;
    const stalled = [...this.#stalled];
    this.#stalled.clear();
    for (const subscriber of stalled) this.#sendNext(subscriber, 0, effects, now);
    return effects;
  }

  #end(observations: readonly Observation[], effects: Effect[], now: number): Effect[] {
    const subscribers = new Set<Subscriber>();
    for (const observation of observations) {
      if (observation.ended) continue;
      observation.ended = true;
      const { peer, flying, waiting, onEnd } = observation;
      const subscriber = this.#observations.of(peer);
      this.#observations.remove(observation);
      if (subscriber?.flying === observation) {
        const messageId = observation.messageIds.at(-1);
        if (messageId !== undefined) this.#layer.transmissions.settle(peer, messageId);
        subscriber.flying = undefined;
        subscribers.add(subscriber);
      }
      observation.flying = undefined;
      observation.waiting = undefined;
      if (flying !== undefined) effects.push(notified(flying, "ended"));
      if (waiting !== undefined) effects.push(notified(waiting, "ended"));
      if (onEnd !== undefined) effects.push({ kind: "ended", ended: onEnd });
    }
    for (const subscriber of subscribers) this.#sendNext(subscriber, 0, effects, now);
    return effects;
  }

  /** Nothing of this observation is on its way any more: the others of the peer have their turn, the next one after it first. */
  #landed(observation: Observation, effects: Effect[], now: number): void {
    const subscriber = this.#observations.of(observation.peer);
    if (subscriber === undefined) return;
    if (subscriber.flying === observation) subscriber.flying = undefined;
    this.#sendNext(subscriber, subscriber.observations.indexOf(observation) + 1, effects, now);
  }

  #sendNext(subscriber: Subscriber, from: number, effects: Effect[], now: number): void {
    const turns = [...subscriber.observations.slice(from), ...subscriber.observations.slice(0, from)];
    for (const observation of turns) {
      if (observation.waiting !== undefined) this.#send(subscriber, observation, effects, now);
    }
  }

  /** Sends the state that waits, unless something else has to be acknowledged first. */
  #send(subscriber: Subscriber, observation: Observation, effects: Effect[], now: number): void {
    const { peer, waiting, flying } = observation;
    if (waiting === undefined || flying !== undefined) return;
    const confirmable = this.#isConfirmable(observation, waiting, now);
    if (confirmable && subscriber.flying !== undefined) return;
    const messageId = this.#layer.ids.next(peer, now);
    if (messageId === undefined) {
      this.#stalled.add(subscriber);
      this.#retryAt ??= now + RETRY_AFTER;
      return;
    }
    observation.waiting = undefined;
    const bytes = this.#encode(observation, waiting.state, confirmable ? "CON" : "NON", messageId, now);
    observation.sent(messageId);
    effects.push({ kind: "send", peer, bytes });
    if (confirmable) {
      observation.flying = waiting;
      observation.unconfirmed = 0;
      subscriber.flying = observation;
      this.#layer.transmissions.add(peer, messageId, bytes, { kind: "notification", observation }, now);
      return;
    }
    observation.unconfirmed++;
    effects.push(notified(waiting, "sent"));
    if (isFinal(waiting)) this.#end([observation], effects, now);
  }

  #isConfirmable(observation: Observation, { confirmable }: Notification, now: number): boolean {
    return (
      (confirmable ?? observation.confirmable) ||
      this.#observations.isUnproved(observation) ||
      observation.unconfirmed >= MOST_UNCONFIRMED ||
      now - observation.confirmedAt >= LONGEST_UNCONFIRMED
    );
  }

  #encode(
    observation: Observation,
    state: CoapResponse,
    type: MessageType,
    messageId: number,
    now: number,
  ): Uint8Array {
    const { szx } = observation;
    const token = Buffer.from(observation.token, "latin1");
    // An answer that is no state has no Observe option (RFC 7641 4.2).
    const response = isError(state.code)
      ? state
      : { ...state, options: [...(state.options ?? []), uint(OPTION.observe, this.nextSequence(observation, now))] };
    const asked = { block1: undefined, block2: szx === undefined ? undefined : { num: 0, more: false, szx } };
    const head = { type, messageId, token };
    const limit = amplificationLimit(0, token.length);
    const isLimited = this.#options.limited && this.#observations.isUnproved(observation);
    const short = isLimited ? contentWithin(asked, response, head, limit) : undefined;
    // What has too many options to be short goes out as it is: that is for the handler to say, and it is one message.
    const content = short ?? contentOf(asked, response);
    observation.partial = !isError(state.code) && content.payload.length < payloadOf(state).length;
    return encodeMessage(messageOf(head, content));
  }
}

function isFinal(notification: Notification | undefined): boolean {
  return notification !== undefined && isError(notification.state.code);
}

function notified({ settle }: Notification, outcome: NotifyOutcome): Effect {
  return { kind: "notified", settle, outcome };
}
