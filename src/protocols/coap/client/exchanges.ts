import type { Peer } from "../../datagram/index.js";
import { CoapError } from "../errors.js";
import { emptyMessage, encodeMessage, type Message } from "../message.js";
import type { MessageLayer, Owner } from "../message-layer.js";
import type { Effect } from "../outcome.js";
import { type Timed, Timers } from "../timers.js";
import { messageKey, type Timing, type Transmission } from "../transmissions.js";
import type { Outgoing } from "./answer.js";
import type { Echoes } from "./echoes.js";
import type { OpenRequest } from "./handles.js";

/** What one message of ours asks. */
export interface Question {
  readonly peer: Peer;
  readonly confirmable: boolean;
  /** Undefined: a ping, which is empty (RFC 7252 4.3). */
  readonly outgoing: Outgoing | undefined;
  /** Empty in a ping. */
  readonly token: Uint8Array;
  /** Hears how it ended, once. */
  readonly asker: Asker;
}

export interface Asker {
  /** It will get no answer. */
  failed(error: CoapError, now: number, effects: Effect[]): void;
}

/** One message of ours and its answer. Made by `Exchanges` only. */
export class ClientExchange<Who extends Asker = Asker> implements OpenRequest, Timed {
  due = 0;
  place = -1;
  readonly question: Question & { readonly asker: Who };
  state: "waiting" | "sent" | "acknowledged" | "over" = "waiting";
  /** Towards NSTART it counts. */
  outstanding = false;
  messageId = -1;
  transmission: Transmission<Owner> | undefined;
  /** When its answer is waited for no more. ms. Of one that nobody has to acknowledge. */
  expires = 0;

  constructor(question: Question & { readonly asker: Who }) {
    this.question = question;
  }

  get peer(): Peer {
    return this.question.peer;
  }
}

export interface ExchangeOptions {
  /**
   * Messages to one peer that wait for an acknowledgement or an answer at one time (NSTART, RFC 7252 4.7, which binds clients). What
   * the server role sends there at the same time has bounds of its own.
   */
  readonly nstart: number;
  /** How long the answer to what was acknowledged is waited for, in ms. */
  readonly answerWithin: number;
}

interface Line<Who extends Asker> {
  outstanding: number;
  readonly waiting: ClientExchange<Who>[];
}

/** The time from the first transmission of a message to when its acknowledgement is given up (MAX_TRANSMIT_WAIT, RFC 7252 4.8.2). */
export function transmitWait({ ackTimeout, ackRandomFactor, maxRetransmit }: Timing): number {
  return ackTimeout * (2 ** (maxRetransmit + 1) - 1) * ackRandomFactor;
}

/**
 * Messages of ours and their answers (RFC 7252 4 and 5.3). Pure. Invariants:
 * - towards one peer at most `nstart` are outstanding, the others wait in line;
 * - each ends once: by its answer, by `failed`, or by `abandon`; then nothing of it is left, and its answer is a stranger's;
 * - an answer is one only from the peer that was asked, with the token of the question (RFC 7252 5.3.2).
 *
 * How many there are is bounded by who asks.
 */
export class Exchanges<Who extends Asker> {
  readonly #layer: MessageLayer;
  readonly #options: ExchangeOptions;
  readonly #echoes: Echoes;
  /** By peer and token. */
  readonly #asked = new Map<string, ClientExchange<Who>>();
  /** What was sent, non-confirmable or acknowledged: a reset names it by its id alone. */
  readonly #sent = new Map<string, ClientExchange<Who>>();
  readonly #lines = new Map<string, Line<Who>>();
  readonly #timers = new Timers<ClientExchange<Who>>();

  constructor(layer: MessageLayer, options: ExchangeOptions, echoes: Echoes) {
    this.#layer = layer;
    this.#options = options;
    this.#echoes = echoes;
  }

  get size(): number {
    return this.#asked.size;
  }

  /** Asks. `first`: before all that waits, since it goes on with what was begun. */
  open(
    question: Question & { readonly asker: Who },
    first: boolean,
    now: number,
    effects: Effect[],
  ): ClientExchange<Who> {
    const exchange = new ClientExchange(question);
    const line = this.#lines.get(question.peer.id) ?? { outstanding: 0, waiting: [] };
    this.#lines.set(question.peer.id, line);
    if (first) line.waiting.unshift(exchange);
    else line.waiting.push(exchange);
    if (question.outgoing !== undefined) this.#asked.set(tokenKey(question.peer, question.token), exchange);
    this.advance(question.peer, now, effects);
    return exchange;
  }

  /** A question to this peer with this token waits for its answer. */
  has(peer: Peer, token: Uint8Array): boolean {
    return this.#asked.has(tokenKey(peer, token));
  }

  /** How many wait in line for a peer. */
  waiting(peer: Peer): number {
    return this.#lines.get(peer.id)?.waiting.length ?? 0;
  }

  /**
   * Who asked what this answers, if anybody did; then it is over. The others in line wait for `advance`, so that who was answered may
   * go on first.
   */
  answered({ type, token, messageId }: Message, peer: Peer): Who | undefined {
    const exchange = this.#asked.get(tokenKey(peer, token));
    if (exchange === undefined || exchange.state === "waiting") return undefined;
    // RFC 7252 5.3.2: what comes in an acknowledgement is of the message that it acknowledges.
    if (type === "ACK" && exchange.messageId !== messageId) return undefined;
    this.#end(exchange);
    return exchange.question.asker;
  }

  /** A ping was answered, by a reset. Undefined: it is no ping. */
  pong(request: OpenRequest): Who | undefined {
    const exchange = request as ClientExchange<Who>;
    if (exchange.question.outgoing !== undefined) return undefined;
    this.#end(exchange);
    return exchange.question.asker;
  }

  /** Its message was acknowledged without an answer: that comes later, in a message of its own (RFC 7252 5.2.2). */
  acknowledged(request: OpenRequest, now: number, effects: Effect[]): void {
    const exchange = request as ClientExchange<Who>;
    if (exchange.state !== "sent") return;
    exchange.state = "acknowledged";
    exchange.transmission = undefined;
    exchange.expires = now + this.#options.answerWithin;
    this.#sent.set(messageKey(exchange.peer, exchange.messageId), exchange);
    this.#timers.start(exchange, exchange.expires);
    this.#release(exchange);
    this.advance(exchange.peer, now, effects);
  }

  /** The peer reset a message with this id. False: it is of no question that waits for its answer. */
  reset(peer: Peer, messageId: number, now: number, effects: Effect[]): boolean {
    const exchange = this.#sent.get(messageKey(peer, messageId));
    if (exchange !== undefined) this.fail(exchange, resetError(), now, effects);
    return exchange !== undefined;
  }

  fail(request: OpenRequest, error: CoapError, now: number, effects: Effect[]): void {
    const exchange = request as ClientExchange<Who>;
    if (exchange.state === "over") return;
    this.#end(exchange);
    exchange.question.asker.failed(error, now, effects);
    this.advance(exchange.peer, now, effects);
  }

  /** Nobody wants the answer any more, and nobody hears that it ended. */
  abandon(exchange: ClientExchange<Who>, now: number, effects: Effect[]): void {
    if (exchange.state === "over") return;
    this.#end(exchange);
    this.advance(exchange.peer, now, effects);
  }

  get deadline(): number | undefined {
    return this.#timers.next;
  }

  tick(now: number, effects: Effect[]): void {
    for (let exchange = this.#timers.expire(now); exchange !== undefined; exchange = this.#timers.expire(now)) {
      if (now >= exchange.expires) {
        this.fail(exchange, timeoutError("no answer came"), now, effects);
        continue;
      }
      this.#timers.start(exchange, exchange.expires);
      this.#release(exchange);
      this.advance(exchange.peer, now, effects);
    }
  }

  /** Sends what waits for a peer, as far as NSTART lets it. */
  advance(peer: Peer, now: number, effects: Effect[]): void {
    const line = this.#lines.get(peer.id);
    if (line === undefined) return;
    while (line.outstanding < this.#options.nstart) {
      const exchange = line.waiting.shift();
      if (exchange === undefined) break;
      this.#send(exchange, line, now, effects);
    }
    const idle = line.outstanding === 0 && line.waiting.length === 0;
    // Of what failed to be sent somebody heard, who may have begun a new line.
    if (idle && this.#lines.get(peer.id) === line) this.#lines.delete(peer.id);
  }

  #send(exchange: ClientExchange<Who>, line: Line<Who>, now: number, effects: Effect[]): void {
    const { peer, outgoing, token, confirmable } = exchange.question;
    const messageId = this.#layer.ids.next(peer, now);
    if (messageId === undefined) {
      this.fail(
        exchange,
        new CoapError("BUSY", "65536 messages went to this peer of late: no id is free"),
        now,
        effects,
      );
      return;
    }
    const type = confirmable ? "CON" : "NON";
    const bytes =
      outgoing === undefined
        ? emptyMessage("CON", messageId)
        : encodeMessage({ ...outgoing, options: this.#echoes.addTo(peer, outgoing.options), type, messageId, token });
    exchange.messageId = messageId;
    exchange.state = "sent";
    exchange.outstanding = true;
    line.outstanding++;
    effects.push({ kind: "send", peer, bytes });
    if (confirmable) {
      const owner: Owner = { kind: "request", request: exchange };
      exchange.transmission = this.#layer.transmissions.add(peer, messageId, bytes, owner, now);
      return;
    }
    const { ackTimeout, ackRandomFactor } = this.#layer.timing;
    // Nobody acknowledges it. It does not hold up the others for longer than a confirmable one would that is not lost.
    exchange.expires = now + transmitWait(this.#layer.timing);
    this.#sent.set(messageKey(peer, messageId), exchange);
    this.#timers.start(exchange, now + ackTimeout * ackRandomFactor);
  }

  #end(exchange: ClientExchange<Who>): void {
    const { peer, token, outgoing } = exchange.question;
    exchange.state = "over";
    this.#timers.stop(exchange);
    const key = tokenKey(peer, token);
    if (outgoing !== undefined && this.#asked.get(key) === exchange) this.#asked.delete(key);
    const sent = messageKey(peer, exchange.messageId);
    if (this.#sent.get(sent) === exchange) this.#sent.delete(sent);
    if (exchange.transmission !== undefined) this.#layer.transmissions.cancel(exchange.transmission);
    exchange.transmission = undefined;
    this.#release(exchange);
    const waiting = this.#lines.get(peer.id)?.waiting ?? [];
    const at = waiting.indexOf(exchange);
    if (at >= 0) waiting.splice(at, 1);
  }

  /** It counts towards NSTART no more. */
  #release(exchange: ClientExchange<Who>): void {
    const line = this.#lines.get(exchange.peer.id);
    if (line === undefined || !exchange.outstanding) return;
    exchange.outstanding = false;
    line.outstanding--;
  }
}

export function tokenKey(peer: Peer, token: Uint8Array): string {
  return `${peer.id}/${Buffer.from(token.buffer, token.byteOffset, token.length).toString("latin1")}`;
}

/** Of a message that was never acknowledged, or of an answer that never came. */
export function timeoutError(why: string): CoapError {
  return new CoapError("TIMEOUT", `${why} in all the time that the standard gives it`);
}

export function resetError(): CoapError {
  return new CoapError("RESET", "the peer answered with a reset: it has no idea what this is about");
}
