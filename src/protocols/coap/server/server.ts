import type { Peer } from "../../datagram/index.js";
import { cacheKey } from "../cache-key.js";
import { emptyMessage, type Message } from "../message.js";
import type { MessageLayer, Owner } from "../message-layer.js";
import { checkOptions, contentFormat, OPTION, uint, uintOption } from "../options.js";
import { type Effect, type Exchange, ended, type Received } from "../outcome.js";
import { type CoapResponse, requestOf } from "../request.js";
import { messageKey, type Transmission } from "../transmissions.js";
import { type Accepted, createReassembly, type Reassembly } from "./block1.js";
import { asksForRest, type OpenExchange, openExchange, operationOf, tokenOf } from "./exchange.js";
import { isUnwanted } from "./no-response.js";
import { Notifier } from "./notifier.js";
import { type Notification, type Observation, Observations } from "./observations.js";
import { Reachability } from "./reachability.js";
import { Responder } from "./responder.js";
import { requireEncodable } from "./response.js";

export interface ServerOptions {
  /** The largest body of a request, in bytes. 65536 if left out. */
  readonly maxBody?: number;
  /** Requests that wait for the handler at one time. 1024 if left out. */
  readonly maxPending?: number;
  /** Bodies in blocks that are not whole yet, and as many answers whose blocks are not all fetched. 64 if left out. */
  readonly maxTransfers?: number;
  /** Bytes of those bodies, 16 MiB if left out; one alone may have `maxBody`. */
  readonly maxTransferBytes?: number;
  /** Bytes of those answers, 4 MiB if left out. */
  readonly maxAnswerBytes?: number;
  /** After so many ms without a response a confirmable request is acknowledged, and the response is sent separately (RFC 7252 5.2.2). */
  readonly separateAfter?: number;
  /** Observations in all, 16384 if left out, and of one peer, 64 if left out (RFC 7641). */
  readonly maxObservers?: number;
  readonly maxObserversPerPeer?: number;
  /** ms since 1970 at the time 0 of the clock: observers find what is newer by it, also after a restart (RFC 7641 4.4). 0 if left out. */
  readonly epoch?: number;
  /** ms. An answer to a request that came to a group is sent at any time within it (RFC 7252 8.2). 5000 if left out. */
  readonly leisure?: number;
  /**
   * What a peer gets that has not shown yet that it is where it says, by an identity, by an Echo option or by an acknowledgement (RFC
   * 9175 2.4). "amplification", if left out: its requests are served, and their answers are short, in small blocks. "always": 4.01
   * with an Echo option to whatever it asks; clients that do not know Echo are shut out. "off": as all others.
   */
  readonly echo?: "amplification" | "always" | "off";
}

/** What the server role holds, for status pages and for tests of its bounds. */
export interface ServerState {
  readonly pending: number;
  readonly transfers: number;
  readonly transferBytes: number;
  /** Large answers whose blocks are not all fetched. */
  readonly answers: number;
  readonly answerBytes: number;
  /** Answers to groups that are not sent yet. */
  readonly delayed: number;
  readonly observers: number;
  /** Peers without identity that have shown that they are where they say. */
  readonly proved: number;
  /** Separate responses and notifications that nobody acknowledged. */
  readonly lost: number;
}

/** Of the messages of this role. */
export type ServerOwner = Extract<Owner, { kind: "response" | "notification" }>;

/** A client should not ask again at once (RFC 7252 5.9.3.4). Seconds. */
const RETRY_AFTER = 5;
/** Peers that are remembered to be where they say. One takes some 100 bytes of memory. */
const MAX_PROVED = 4096;

/** The answering side of an endpoint (RFC 7252 5, RFC 7641, RFC 7959). Pure. Everything it holds is bounded by its options. */
export class ServerRole {
  /** ms. No deadline of a request that comes in is nearer than this. */
  readonly separateAfter: number;
  readonly #layer: MessageLayer;
  readonly #maxBody: number;
  readonly #maxPending: number;
  readonly #echo: NonNullable<ServerOptions["echo"]>;
  readonly #reassembly: Reassembly;
  readonly #reachability: Reachability;
  readonly #responder: Responder;
  readonly #observations: Observations;
  readonly #notifier: Notifier;
  readonly #pending = new Set<OpenExchange>();
  #lost = 0;

  constructor(layer: MessageLayer, options: ServerOptions) {
    this.#layer = layer;
    this.#maxBody = options.maxBody ?? 65_536;
    this.#maxPending = options.maxPending ?? 1024;
    this.separateAfter = options.separateAfter ?? 1000;
    this.#echo = options.echo ?? "amplification";
    const maxTransfers = options.maxTransfers ?? 64;
    const limited = this.#echo !== "off";
    this.#reassembly = createReassembly({
      maxBody: this.#maxBody,
      maxTransfers,
      maxBytes: options.maxTransferBytes ?? 16 * 1024 * 1024,
      expiry: layer.timing.exchangeLifetime,
    });
    this.#reachability = new Reachability(MAX_PROVED);
    this.#responder = new Responder(layer, this.#reachability, {
      limited,
      maxAnswers: maxTransfers,
      maxAnswerBytes: options.maxAnswerBytes ?? 4 * 1024 * 1024,
      leisure: options.leisure ?? 5000,
    });
    this.#observations = new Observations({
      maxObservers: options.maxObservers ?? 16_384,
      maxObserversPerPeer: options.maxObserversPerPeer ?? 64,
    });
    this.#notifier = new Notifier(layer, this.#observations, this.#reachability, {
      limited,
      epoch: options.epoch ?? 0,
    });
  }

  /** A message with a request in it, confirmable or not. `length`: bytes of its datagram. */
  request(message: Message, length: number, peer: Peer, multicast: boolean, now: number): Received {
    const key = messageKey(peer, message.messageId);
    const known = this.#layer.received.find(key, now);
    if (known !== undefined) {
      // RFC 7252 4.5: a confirmable one is answered again, if it was answered; a non-confirmable one is ignored.
      const reply = message.type === "CON" ? known.reply : undefined;
      return reply === undefined ? ended("duplicate") : ended("duplicate", { kind: "send", peer, bytes: reply });
    }
    const checked = checkOptions(message.options);
    const open = openExchange(message, length, peer, multicast, checked.ok ? checked.options : []);
    if (!checked.ok) {
      // RFC 7252 5.4.1: in a non-confirmable request it is rejected, here by silence (4.3).
      if (message.type === "NON") return ended("bad_option");
      const payload = `option ${checked.critical} is not understood, or is malformed`;
      return ended("bad_option", ...this.#responder.answer(open, { code: "4.02", payload }, now));
    }
    let echo: Uint8Array | undefined;
    for (const { number, value } of open.options) {
      if (number === OPTION.proxyUri || number === OPTION.proxyScheme) {
        const response = { code: "5.05", payload: "this is no proxy" } as const;
        return ended("bad_option", ...this.#responder.answer(open, response, now));
      }
      if (number === OPTION.echo) echo = value;
    }
    if (this.#isDoubted(open, echo, now)) return ended("challenged", ...this.#responder.challenge(open, now));
    if (this.#pending.size >= this.#maxPending) {
      const response = {
        code: "5.03",
        options: [uint(OPTION.maxAge, RETRY_AFTER)],
        payload: "too many requests",
      } as const;
      return ended("overload", ...this.#responder.answer(open, response, now));
    }
    const lifetime = message.type === "CON" ? this.#layer.timing.exchangeLifetime : this.#layer.timing.nonLifetime;
    open.entry = this.#layer.received.add(key, now + lifetime, now);
    return asksForRest(open, message.payload)
      ? this.#answerRest(open, now)
      : this.#takeBody(open, message.payload, now);
  }

  /** Answers a request that was given out. A second answer to one exchange is ignored, and one to a peer that is gone. */
  respond(exchange: Exchange, response: CoapResponse, now: number): readonly Effect[] {
    const open = exchange as OpenExchange;
    if (!this.#pending.delete(open)) return [];
    return open.observe === "register"
      ? this.#register(open, response, now)
      : this.#responder.answer(open, response, now);
  }

  notify(observation: Observation, notification: Notification, now: number): readonly Effect[] {
    return this.#notifier.notify(observation, notification, now);
  }

  end(observation: Observation, now: number): readonly Effect[] {
    return this.#notifier.end(observation, now);
  }

  /** A confirmable message of this role was acknowledged: its receiver is where it says, for only that one has seen it. */
  acknowledged(owner: ServerOwner, peer: Peer, now: number): readonly Effect[] {
    this.#reachability.prove(peer, now);
    return owner.kind === "notification" ? this.#notifier.acknowledged(owner.observation, now) : [];
  }

  /** A reset came. Undefined: of nothing that this role sent lately. */
  rejected(peer: Peer, messageId: number, now: number): readonly Effect[] | undefined {
    return this.#notifier.rejected(peer, messageId, now);
  }

  /** A message of this role is due again: another one may go in its place. */
  renew(
    { observation }: ServerOwner & { kind: "notification" },
    transmission: Transmission<Owner>,
    now: number,
  ): Effect[] {
    return this.#notifier.renew(observation, transmission, now);
  }

  /** A message of this role was not acknowledged in all its time. */
  lost(owner: ServerOwner, now: number): readonly Effect[] {
    this.#lost++;
    return owner.kind === "notification" ? this.#notifier.gone(owner.observation.peer, now) : [];
  }

  /** When `tick` wants to be called, or undefined. */
  get deadline(): number | undefined {
    let deadline = earliest(this.#responder.deadline, this.#notifier.deadline);
    for (const { acknowledgeAt } of this.#pending) {
      if (acknowledgeAt === undefined) continue;
      // All wait equally long: the first one that waits is the earliest.
      deadline = earliest(deadline, acknowledgeAt);
      break;
    }
    return deadline;
  }

  /** Acknowledges what waits too long for its response, answers groups, and sends notifications that had to wait. */
  tick(now: number): readonly Effect[] {
    const effects: Effect[] = [];
    for (const open of this.#pending) {
      if (open.acknowledgeAt === undefined) continue;
      if (open.acknowledgeAt > now) break;
      open.acknowledgeAt = undefined;
      open.acknowledged = true;
      const bytes = emptyMessage("ACK", open.messageId);
      if (open.entry !== undefined) this.#layer.received.setReply(open.entry, bytes);
      effects.push({ kind: "send", peer: open.peer, bytes });
    }
    effects.push(...this.#responder.tick(now), ...this.#notifier.tick(now));
    return effects;
  }

  /** The peer is gone: what it asked is answered to nobody, and it observes nothing any more. */
  forget(peer: Peer, now: number): readonly Effect[] {
    for (const open of this.#pending) if (open.peer.id === peer.id) this.#pending.delete(open);
    this.#reachability.forget(peer);
    return this.#notifier.gone(peer, now);
  }

  /** Nothing is sent any more: all observations end. */
  close(now: number): readonly Effect[] {
    return this.#notifier.close(now);
  }

  get state(): ServerState {
    return {
      pending: this.#pending.size,
      transfers: this.#reassembly.transfers,
      transferBytes: this.#reassembly.bytes,
      answers: this.#responder.answers.size,
      answerBytes: this.#responder.answers.bytes,
      delayed: this.#responder.delayed,
      observers: this.#observations.size,
      proved: this.#reachability.size,
      lost: this.#lost,
    };
  }

  /** Whether it is to show first that it is where it says. A group is asked by who knows none of its members yet. */
  #isDoubted({ peer, multicast }: OpenExchange, echo: Uint8Array | undefined, now: number): boolean {
    if (this.#echo === "off" || (this.#echo === "amplification" && echo === undefined)) return false;
    if (this.#reachability.isProved(peer, now)) return false;
    const isProved = echo !== undefined && this.#reachability.answer(peer, echo, now);
    return !isProved && !multicast && this.#echo === "always";
  }

  /** Delivers the request, or keeps its block, or refuses its body. */
  #takeBody(open: OpenExchange, payload: Uint8Array, now: number): Received {
    const body = this.#reassemble(open, payload, now);
    switch (body.kind) {
      case "continue":
        return ended("block", ...this.#responder.answer(open, { code: "2.31" }, now));
      case "refused": {
        const size1 = body.reason === "too_large" ? [uint(OPTION.size1, this.#maxBody)] : [];
        const response = { code: body.code, options: size1, payload: BODY_ADVICE[body.reason] };
        return ended(body.reason, ...this.#responder.answer(open, response, now));
      }
      case "whole": {
        if (open.type === "CON") open.acknowledgeAt = now + this.separateAfter;
        this.#pending.add(open);
        const request = { kind: "request", exchange: open, request: requestOf(open, open.options, body.body) } as const;
        if (open.observe !== "deregister") return ended("request", request);
        // RFC 7641 4.1: whatever the answer is going to be.
        return ended("request", ...this.#notifier.deregister(open.peer, tokenOf(open), now), request);
      }
    }
  }

  #reassemble(open: OpenExchange, payload: Uint8Array, now: number): Accepted {
    if (open.block1 === undefined) {
      if (payload.length > this.#maxBody) return { kind: "refused", code: "4.13", reason: "too_large" };
      return { kind: "whole", body: payload };
    }
    return this.#reassembly.accept(
      {
        key: operationOf(open),
        block: open.block1,
        contentFormat: contentFormat(open.options),
        announced: uintOption(open.options, OPTION.size1),
        payload,
      },
      now,
    );
  }

  #answerRest(open: OpenExchange, now: number): Received {
    const effects = this.#responder.answerKept(open, now);
    if (effects !== undefined) return ended("block", ...effects);
    const response = { code: "4.08", payload: "the answer is not kept any more: ask again" } as const;
    return ended("block_incomplete", ...this.#responder.answer(open, response, now));
  }

  /** The answer to a registration, and what follows from it (RFC 7641 4.1). */
  #register(open: OpenExchange, response: CoapResponse, now: number): readonly Effect[] {
    // Before anything changes: who observes must hear of it.
    requireEncodable(response);
    const { peer, type, block2, unwanted } = open;
    const { observe, code } = response;
    const effects: Effect[] = [];
    const registration = {
      peer,
      token: tokenOf(open),
      key: cacheKey(open.method, open.options),
      confirmable: type === "CON",
      szx: block2?.szx,
    };
    // An answer without Observe ends what was there (RFC 7641 3.2), and so does one that the client does not get.
    const refused = observe === undefined || !code.startsWith("2.") || isUnwanted(code, unwanted);
    const observation = this.#notifier.register(registration, !refused, effects, now);
    if (observation === undefined || observe === undefined) {
      effects.push(...this.#responder.answer(open, response, now));
      return effects;
    }
    const sequence = uint(OPTION.observe, this.#notifier.nextSequence(observation, now));
    const answer = { ...response, options: [...(response.options ?? []), sequence] };
    effects.push(...this.#responder.answer(open, answer, now), { kind: "observing", observation, observe });
    return effects;
  }
}

const BODY_ADVICE = {
  bad_block: "the block has a size that it must not have",
  block_incomplete: "the block is not the next one: begin again with block 0",
  too_large: "the body is too large",
} as const;

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : other === undefined ? one : Math.min(one, other);
}
