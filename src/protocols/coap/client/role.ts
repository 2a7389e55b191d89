import { randomBytes } from "node:crypto";
import type { Peer } from "../../datagram/index.js";
import { CoapError } from "../errors.js";
import type { Message } from "../message.js";
import { type MessageLayer, reset } from "../message-layer.js";
import { checkResponseOptions, OPTION, uint } from "../options.js";
import { type Effect, ended, type Outcome, type Received } from "../outcome.js";
import { Timers } from "../timers.js";
import { messageKey } from "../transmissions.js";
import { type Outgoing, responseOf } from "./answer.js";
import { Arrival } from "./arrival.js";
import { type CallGround, type ClientAsker, type Done, PingCall, TransferCall } from "./call.js";
import type { GroupLimits, OutgoingRequest, RequestLimits } from "./client.js";
import { Echoes } from "./echoes.js";
import { Gatherings } from "./gatherings.js";
import { Exchanges, resetError, timeoutError, tokenKey } from "./exchanges.js";
import type { Call, Delivery, Observed, OpenRequest } from "./handles.js";
import { type ObservationGround, ObservedResource } from "./observation.js";
import { prepare } from "./prepare.js";
import { Transfer } from "./transfer.js";
import { Turns } from "./turns.js";

export interface ClientOptions {
  /** The largest answer, in bytes, where the request says nothing else. 65536 if left out. */
  readonly maxAnswer?: number;
  /** Messages to one peer that wait for an acknowledgement or an answer at one time (NSTART, RFC 7252 4.7). 1 if left out. */
  readonly nstart?: number;
  /** Requests to one peer that wait in line behind them. 256 if left out. */
  readonly maxWaiting?: number;
  /** Requests to all peers. 4096 if left out. */
  readonly maxRequests?: number;
  /** Resources that are observed. 4096 if left out. */
  readonly maxObservations?: number;
  /** ms from the acknowledgement of a request to its answer. EXCHANGE_LIFETIME if left out (RFC 7252 4.8.2). */
  readonly answerWithin?: number;
  /** So many bytes that nobody can guess: tokens are all that a stranger would have to know (RFC 7252 11.4). */
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** What the client role holds, for status pages and for tests of its bounds. */
export interface ClientState {
  /** Requests and pings that are not over, those of observations included. */
  readonly requests: number;
  /** Messages of theirs that were sent or wait in line. */
  readonly questions: number;
  readonly observations: number;
  /** Questions to groups whose answers are still collected. */
  readonly gatherings: number;
}

/** 32 bits at least (RFC 7252 5.3.1). Where addresses can be forged, all that there may be. */
const SECURE_TOKEN = 4;
const TOKEN = 8;
/** Servers whose Echo values are kept for the next request. One takes some 200 bytes of memory. */
const MAX_ECHOES = 4096;

interface Registered {
  readonly request: OutgoingRequest;
  readonly prepared: Outgoing;
}

/** The asking side of an endpoint (RFC 7252 5, RFC 7641 3, RFC 7959). Pure. Everything it holds is bounded by its options. */
export class ClientRole {
  readonly #layer: MessageLayer;
  readonly #options: Required<ClientOptions>;
  readonly #echoes = new Echoes(MAX_ECHOES);
  readonly #exchanges: Exchanges<ClientAsker>;
  readonly #ground: CallGround;
  /** By peer and token. */
  readonly #observations = new Map<string, ObservedResource>();
  readonly #timeouts = new Timers<TransferCall | PingCall>();
  readonly #renewals = new Timers<ObservedResource>();
  readonly #gatherings: Gatherings;
  #tags = 0;

  constructor(layer: MessageLayer, options: ClientOptions) {
    this.#layer = layer;
    this.#options = {
      maxAnswer: options.maxAnswer ?? 65_536,
      nstart: options.nstart ?? 1,
      maxWaiting: options.maxWaiting ?? 256,
      maxRequests: options.maxRequests ?? 4096,
      maxObservations: options.maxObservations ?? 4096,
      answerWithin: options.answerWithin ?? layer.timing.exchangeLifetime,
      randomBytes: options.randomBytes ?? randomBytes,
    };
    this.#exchanges = new Exchanges(layer, this.#options, this.#echoes);
    this.#gatherings = new Gatherings(layer);
    this.#ground = {
      exchanges: this.#exchanges,
      uploads: new Turns(),
      calls: new Set(),
      token: (peer) => this.#token(peer),
    };
  }

  /** Its end comes as a `settled`. */
  request(
    peer: Peer,
    request: OutgoingRequest,
    { timeout, maxBody }: Pick<RequestLimits, "timeout" | "maxBody">,
    now: number,
  ): { call: Call; effects: Effect[] } {
    const effects: Effect[] = [];
    const prepared = prepare(request);
    if (prepared instanceof CoapError) return refused(peer, prepared);
    const full = this.#full(peer);
    if (full !== undefined) return refused(peer, full);
    const call = this.#call({ request, prepared }, peer, {
      maxBody: maxBody ?? this.#options.maxAnswer,
      observe: undefined,
      done: (result, _at, out) => {
        this.#timeouts.stop(call);
        if (!(result instanceof CoapError)) result.arrival.acknowledge(out);
        const settled = result instanceof CoapError ? result : responseOf(peer, result.answer);
        out.push({ kind: "settled", call, result: settled });
      },
    });
    if (timeout !== undefined) this.#timeouts.start(call, now + timeout);
    call.start(now, effects);
    return { call, effects };
  }

  /** Its end comes as a `settled`. */
  ping(peer: Peer, { timeout }: Pick<RequestLimits, "timeout">, now: number): { call: Call; effects: Effect[] } {
    const effects: Effect[] = [];
    const full = this.#full(peer);
    if (full !== undefined) return refused(peer, full);
    const call = new PingCall(peer, this.#ground, (result, out) => {
      this.#timeouts.stop(call);
      out.push({ kind: "settled", call, result });
    });
    if (timeout !== undefined) this.#timeouts.start(call, now + timeout);
    call.start(now, effects);
    return { call, effects };
  }

  /** Its answers come as `gathered`, its end as a `settled`. */
  gather(
    group: Peer,
    request: Pick<OutgoingRequest, "path" | "query" | "accept">,
    { within = 6000, most = 256 }: Pick<GroupLimits, "within" | "most">,
    now: number,
  ): { call: Call; effects: Effect[] } {
    const prepared = prepare({ ...request, method: "0.01" });
    if (prepared instanceof CoapError) return refused(group, prepared);
    // Whoever hears the question may answer it, but nobody else: all the bytes that there may be.
    return this.#gatherings.start(group, prepared, { token: this.#options.randomBytes(TOKEN), within, most }, now);
  }

  /** The caller gives up. */
  abort(call: Call, error: CoapError, now: number): Effect[] {
    const effects: Effect[] = [];
    this.#gatherings.abort(call, error, effects);
    if (call instanceof TransferCall || call instanceof PingCall) call.failed(error, now, effects);
    return effects;
  }

  /** Its states come as `state`, its end as `over`. `renewAfter`: ms. */
  observe(
    peer: Peer,
    request: OutgoingRequest,
    now: number,
    renewAfter = Number.POSITIVE_INFINITY,
  ): { observed: Observed; effects: Effect[] } {
    const effects: Effect[] = [];
    const prepared = prepare(request);
    const room = this.#observations.size < this.#options.maxObservations;
    const why = prepared instanceof CoapError ? prepared : room ? this.#full(peer) : busy("observations");
    if (prepared instanceof CoapError || why !== undefined) {
      const observed = { peer };
      return { observed, effects: why === undefined ? [] : [{ kind: "over", observed, why }] };
    }
    const ground = this.#groundOf({ request, prepared });
    const observation = new ObservedResource(peer, this.#token(peer), ground, renewAfter);
    this.#observations.set(tokenKey(peer, observation.token), observation);
    observation.renew(now, effects);
    return { observed: observation, effects };
  }

  /** Its end comes as `cancelled`. */
  cancel(observed: Observed, now: number): Effect[] {
    const effects: Effect[] = [];
    if (observed instanceof ObservedResource) observed.cancel(now, effects);
    else effects.push({ kind: "cancelled", observed });
    return effects;
  }

  /** A state that was given out may be acknowledged. */
  taken(delivery: Delivery): Effect[] {
    const effects: Effect[] = [];
    if (delivery.observed instanceof ObservedResource) delivery.observed.taken(delivery, effects);
    return effects;
  }

  /** A state that was given out is to come again. */
  refused(delivery: Delivery, now: number): Effect[] {
    const effects: Effect[] = [];
    if (delivery.observed instanceof ObservedResource) delivery.observed.refused(delivery, now, effects);
    return effects;
  }

  /** A message with a response in it, of any type but RST. */
  response(message: Message, peer: Peer, multicast: boolean, now: number): Received {
    const key = messageKey(peer, message.messageId);
    if (message.type === "CON") {
      const known = this.#layer.received.find(key, now);
      const reply = known?.reply;
      // RFC 7252 4.5: acknowledged again, once it was acknowledged.
      if (reply !== undefined) return ended("duplicate", { kind: "send", peer, bytes: reply });
      if (known !== undefined) return ended("duplicate");
    }
    const observation = this.#observations.get(tokenKey(peer, message.token));
    const asker = multicast ? undefined : this.#exchanges.answered(message, peer);
    if (!multicast && asker === undefined && observation === undefined) {
      const gathered = this.#gatherings.take(message, peer);
      if (gathered !== undefined) {
        // Who is asked for the rest of it has its Echo back.
        this.#echoes.hear(peer, message.options);
        return gathered;
      }
    }
    // What comes in an acknowledgement is an answer; to no question of ours, here.
    if (multicast || (asker === undefined && (observation === undefined || message.type === "ACK"))) {
      return stray(message, peer, multicast);
    }
    this.#echoes.hear(peer, message.options);
    const effects: Effect[] = [];
    const outcome = this.#take(message, key, asker, observation, peer, now, effects);
    this.#exchanges.advance(peer, now, effects);
    return { outcome, effects };
  }

  /** A confirmable message of ours was acknowledged without an answer. */
  acknowledged(request: OpenRequest, now: number, effects: Effect[]): void {
    this.#exchanges.acknowledged(request, now, effects);
  }

  /** A confirmable message of ours was reset. */
  rejected(request: OpenRequest, now: number, effects: Effect[]): Outcome {
    const asker = this.#exchanges.pong(request);
    if (asker instanceof PingCall) {
      asker.pong(effects);
      this.#exchanges.advance(request.peer, now, effects);
      return "pong";
    }
    this.#exchanges.fail(request, resetError(), now, effects);
    return "rejected";
  }

  /** A reset names none of our confirmable messages that are not acknowledged: one that needed none, or was acknowledged before? */
  reset(peer: Peer, messageId: number, now: number, effects: Effect[]): boolean {
    return this.#exchanges.reset(peer, messageId, now, effects);
  }

  /** A confirmable message of ours was not acknowledged in all its time. */
  lost(request: OpenRequest, now: number, effects: Effect[]): void {
    this.#exchanges.fail(request, timeoutError("nothing was acknowledged"), now, effects);
  }

  /** When `tick` wants to be called, or undefined. */
  get deadline(): number | undefined {
    const due = [this.#exchanges.deadline, this.#timeouts.next, this.#renewals.next, this.#gatherings.deadline].filter(
      (at) => at !== undefined,
    );
    return due.length === 0 ? undefined : Math.min(...due);
  }

  tick(now: number, effects: Effect[]): void {
    this.#exchanges.tick(now, effects);
    this.#gatherings.tick(now, effects);
    for (let call = this.#timeouts.expire(now); call !== undefined; call = this.#timeouts.expire(now)) {
      call.failed(new CoapError("TIMEOUT", "no answer came in the time that was given"), now, effects);
    }
    for (let one = this.#renewals.expire(now); one !== undefined; one = this.#renewals.expire(now)) {
      one.renew(now, effects);
    }
  }

  /** Ends all that was asked of a peer, or of all. */
  end(peer: Peer | undefined, error: CoapError, now: number, effects: Effect[]): void {
    const of = (one: { readonly peer: Peer }): boolean => peer === undefined || one.peer.id === peer.id;
    for (const observation of [...this.#observations.values()])
      if (of(observation)) observation.fail(error, now, effects);
    for (const call of [...this.#ground.calls]) if (of(call)) call.failed(error, now, effects);
    if (peer === undefined) this.#gatherings.end(error, effects);
    else this.#echoes.forget(peer);
  }

  get state(): ClientState {
    return {
      requests: this.#ground.calls.size,
      questions: this.#exchanges.size,
      observations: this.#observations.size,
      gatherings: this.#gatherings.size,
    };
  }

  #take(
    message: Message,
    key: string,
    asker: ClientAsker | undefined,
    observation: ObservedResource | undefined,
    peer: Peer,
    now: number,
    effects: Effect[],
  ): Outcome {
    const checked = checkResponseOptions(message.options);
    if (!checked.ok) {
      if (message.type === "CON") effects.push(reset(peer, message.messageId));
      const error = new CoapError("OPTION", `the answer has option ${checked.critical}, which is not understood here`);
      if (asker === undefined) observation?.fail(error, now, effects);
      else asker.failed(error, now, effects);
      return "bad_option";
    }
    const lifetime = this.#layer.timing.exchangeLifetime;
    const entry = message.type === "CON" ? this.#layer.received.add(key, now + lifetime, now) : undefined;
    const arrival = new Arrival(peer, message, this.#layer.received, entry);
    const answer = { code: message.code, options: checked.options, payload: message.payload };
    if (asker === undefined) return observation?.take(answer, arrival, false, now, effects) ?? "stray";
    asker.answered(answer, arrival, now, effects);
    return "response";
  }

  #call(
    { request, prepared }: Registered,
    peer: Peer,
    options: { maxBody: number; observe: 0 | 1 | undefined; done: Done; token?: Uint8Array },
  ): TransferCall {
    // RFC 9175 3.5.1: where messages are secured, a body is put together only of what belongs together, whoever holds datagrams back.
    const tag = peer.identity === undefined ? undefined : (): Uint8Array => uint(OPTION.requestTag, ++this.#tags).value;
    const { maxBody, observe, done, token } = options;
    const transfer = new Transfer(prepared, { maxBody, observe, tag });
    const target = JSON.stringify([peer.id, request.method, request.path, request.query]);
    const confirmable = request.confirmable ?? true;
    return new TransferCall({ peer, confirmable, transfer, target, done, ...(token && { token }) }, this.#ground);
  }

  #groundOf(registered: Registered): ObservationGround {
    const maxBody = this.#options.maxAnswer;
    return {
      register: ({ peer, token }, observe, done) => this.#call(registered, peer, { maxBody, observe, done, token }),
      rest: ({ peer }, done) => this.#call(registered, peer, { maxBody, observe: undefined, done }),
      wake: (observation, at) => {
        if (at === undefined) this.#renewals.stop(observation);
        else this.#renewals.start(observation, at);
      },
      forget: ({ peer, token }) => this.#observations.delete(tokenKey(peer, token)),
      random: this.#layer.random,
    };
  }

  /** One that nothing of ours has at this peer. */
  #token(peer: Peer): Uint8Array {
    for (;;) {
      const token = this.#options.randomBytes(peer.identity === undefined ? TOKEN : SECURE_TOKEN);
      if (!this.#observations.has(tokenKey(peer, token)) && !this.#exchanges.has(peer, token)) return token;
    }
  }

  #full(peer: Peer): CoapError | undefined {
    if (this.#ground.calls.size >= this.#options.maxRequests) return busy("requests");
    return this.#exchanges.waiting(peer) >= this.#options.maxWaiting ? busy("requests to this peer") : undefined;
  }
}

function busy(what: string): CoapError {
  return new CoapError("BUSY", `there are as many ${what} as there may be`);
}

function refused(peer: Peer, result: CoapError): { call: Call; effects: Effect[] } {
  const call = { peer };
  return { call, effects: [{ kind: "settled", call, result }] };
}

/** RFC 7252 4.2: who sent it hears that nobody knows of it; also of a notification that nobody confirms (RFC 7641 3.6). */
function stray({ type, messageId, options }: Message, peer: Peer, multicast: boolean): Received {
  const notification = type === "NON" && options.some(({ number }) => number === OPTION.observe);
  return (type === "CON" || notification) && !multicast ? ended("stray", reset(peer, messageId)) : ended("stray");
}
