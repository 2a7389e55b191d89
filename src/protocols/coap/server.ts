import type { Peer } from "../datagram/index.js";
import { type Accepted, createReassembly, type Reassembly } from "./block1.js";
import { Dedup, type DedupEntry } from "./dedup.js";
import {
  type Code,
  emptyMessage,
  encodeMessage,
  type Message,
  type MessageType,
  type Option,
  parseMessage,
} from "./message.js";
import { type Block, blockOption, checkOptions, contentFormat, OPTION, uint, uintOption } from "./options.js";
import { type Effect, type Exchange, OUTCOMES, type Outcome, type Received } from "./outcome.js";
import { type CoapResponse, requestOf } from "./request.js";
import { type Content, contentOf, isError } from "./response.js";
import { DEFAULT_TIMING, Retransmission, type Timing } from "./retransmission.js";

export interface ServerOptions {
  /** The largest body of a request, in bytes. 65536 if left out. */
  readonly maxBody?: number;
  /** Requests that wait for the handler at one time. 1024 if left out. */
  readonly maxPending?: number;
  /**
   * Messages remembered to find duplicates, 16384 if left out: 45 s, in which a client sends all its copies (RFC 7252 4.8.2),
   * at 360 requests a second. One takes some 300 bytes of memory.
   */
  readonly maxRemembered?: number;
  /** Bytes of their addresses and answers, 4 MiB if left out. */
  readonly maxRememberedBytes?: number;
  /** Bodies in blocks that are not whole yet. 64 if left out. */
  readonly maxTransfers?: number;
  /** After so many ms without a response a confirmable request is acknowledged, and the response is sent separately (RFC 7252 5.2.2). */
  readonly separateAfter?: number;
  readonly timing?: Timing;
  /** From 0 up to 1. */
  readonly random?: () => number;
}

/** What the endpoint holds, for status pages and for tests of its bounds. */
export interface ServerState {
  readonly pending: number;
  readonly remembered: number;
  readonly rememberedBytes: number;
  readonly transfers: number;
  readonly transferBytes: number;
  readonly unacknowledged: number;
  /** Separate responses that nobody acknowledged. */
  readonly lost: number;
}

interface OpenExchange extends Exchange {
  readonly peer: Peer;
  readonly type: MessageType;
  readonly messageId: number;
  readonly token: Uint8Array;
  readonly method: Code;
  readonly multicast: boolean;
  block1: Block | undefined;
  block2: Block | undefined;
  /** Undefined for what is refused before it is remembered: its duplicate is refused anew. */
  entry: DedupEntry | undefined;
  /** ms; undefined: it needs no acknowledgement of its own, or has got it. */
  acknowledgeAt: number | undefined;
  acknowledged: boolean;
}

/** A client should not ask again at once (RFC 7252 5.9.3.4). Seconds. */
const RETRY_AFTER = 5;
/** Beyond it separate responses are sent without waiting for an acknowledgement, which RFC 7252 5.2.2 leaves open. */
const MAX_UNACKNOWLEDGED = 1024;

/**
 * The server side of a CoAP endpoint (RFC 7252 4 and 5, RFC 7959). Pure: datagrams, answers and time in, datagrams and
 * requests out. Times are in ms from any fixed start. Everything it holds is bounded by its options.
 */
export class CoapServer {
  readonly counters: Readonly<Record<Outcome, number>>;
  /** ms. Who sets a timer for no longer than this need not look at `deadline` again before it runs out. */
  readonly shortestWait: number;
  readonly #counters: Record<Outcome, number>;
  readonly #timing: Timing;
  readonly #maxBody: number;
  readonly #maxPending: number;
  readonly #separateAfter: number;
  readonly #dedup: Dedup;
  readonly #reassembly: Reassembly;
  readonly #retransmission: Retransmission;
  readonly #pending = new Set<OpenExchange>();
  /**
   * A message of our own takes the id of the request that it answers, shifted by this. A peer uses an id once in an exchange
   * lifetime, so that ours to it are as unique (RFC 7252 4.4) without a counter for each peer, and no stranger can guess them.
   */
  readonly #idShift: number;
  #lost = 0;

  constructor(options: ServerOptions = {}) {
    const random = options.random ?? Math.random;
    this.#timing = options.timing ?? DEFAULT_TIMING;
    this.#maxBody = options.maxBody ?? 65_536;
    this.#maxPending = options.maxPending ?? 1024;
    this.#separateAfter = options.separateAfter ?? 1000;
    this.shortestWait = Math.min(this.#separateAfter, this.#timing.ackTimeout);
    this.#dedup = new Dedup(options.maxRemembered ?? 16_384, options.maxRememberedBytes ?? 4 * 1024 * 1024);
    this.#retransmission = new Retransmission(this.#timing, random);
    this.#reassembly = createReassembly({
      maxBody: this.#maxBody,
      maxTransfers: options.maxTransfers ?? 64,
      expiry: this.#timing.exchangeLifetime,
    });
    this.#idShift = Math.floor(random() * 65_536);
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
    const open = exchange as OpenExchange;
    return this.#pending.delete(open) ? this.#answer(open, response, now) : [];
  }

  /** When `tick` wants to be called, or undefined. */
  get deadline(): number | undefined {
    let deadline = this.#retransmission.deadline;
    for (const { acknowledgeAt } of this.#pending) {
      if (acknowledgeAt === undefined) continue;
      // All wait equally long: the first one that waits is the earliest.
      deadline = Math.min(deadline ?? acknowledgeAt, acknowledgeAt);
      break;
    }
    return deadline;
  }

  /** Acknowledges what waits too long for its response, and sends again what was not acknowledged. */
  tick(now: number): readonly Effect[] {
    const effects: Effect[] = [];
    for (const open of this.#pending) {
      if (open.acknowledgeAt === undefined) continue;
      if (open.acknowledgeAt > now) break;
      open.acknowledgeAt = undefined;
      open.acknowledged = true;
      const bytes = emptyMessage("ACK", open.messageId);
      if (open.entry !== undefined) this.#dedup.setReply(open.entry, bytes);
      effects.push({ kind: "send", peer: open.peer, bytes });
    }
    const { again, lost } = this.#retransmission.tick(now);
    this.#lost += lost;
    for (const { peer, bytes } of again) effects.push({ kind: "send", peer, bytes });
    return effects;
  }

  get state(): ServerState {
    return {
      pending: this.#pending.size,
      remembered: this.#dedup.entries,
      rememberedBytes: this.#dedup.bytes,
      transfers: this.#reassembly.transfers,
      transferBytes: this.#reassembly.bytes,
      unacknowledged: this.#retransmission.size,
      lost: this.#lost,
    };
  }

  #take(bytes: Uint8Array, peer: Peer, multicast: boolean, now: number): Received {
    if (peer.port === 0) return ended("port_zero");
    const parsed = parseMessage(bytes);
    if (!parsed.ok) {
      if (parsed.error === "version") return ended("version");
      // RFC 7252 4.2 and 8.1: a confirmable message that cannot be processed is reset, unless it came to a group.
      const reset = parsed.type === "CON" && parsed.messageId !== undefined && !multicast;
      return reset ? ended("malformed", rst(peer, parsed.messageId)) : ended("malformed");
    }
    const { message } = parsed;
    if (multicast && message.type === "CON") return ended("multicast");
    if (message.code === "0.00") return this.#takeEmpty(message, peer);
    // RFC 7252 4.2: requests do not come in acknowledgements or resets. Responses are to nothing: this endpoint asks nothing.
    if (message.type === "ACK" || message.type === "RST") return ended("stray");
    if (!message.code.startsWith("0.")) {
      return message.type === "CON" ? ended("stray", rst(peer, message.messageId)) : ended("stray");
    }
    return this.#takeRequest(message, peer, multicast, now);
  }

  #takeEmpty(message: Message, peer: Peer): Received {
    switch (message.type) {
      case "CON":
        return ended("ping", rst(peer, message.messageId));
      case "NON":
        return ended("stray");
      case "ACK":
        return ended(this.#retransmission.settle(keyOf(peer, message.messageId)) ? "acknowledged" : "stray");
      case "RST":
        return ended(this.#retransmission.settle(keyOf(peer, message.messageId)) ? "rejected" : "stray");
    }
  }

  #takeRequest(message: Message, peer: Peer, multicast: boolean, now: number): Received {
    const key = keyOf(peer, message.messageId);
    const known = this.#dedup.find(key, now);
    if (known !== undefined) {
      // RFC 7252 4.5: a confirmable one is answered again, if it was answered; a non-confirmable one is ignored.
      const reply = message.type === "CON" ? known.reply : undefined;
      return reply === undefined ? ended("duplicate") : ended("duplicate", { kind: "send", peer, bytes: reply });
    }
    const open: OpenExchange = {
      peer,
      type: message.type,
      messageId: message.messageId,
      token: message.token,
      method: message.code,
      multicast,
      block1: undefined,
      block2: undefined,
      entry: undefined,
      acknowledgeAt: undefined,
      acknowledged: false,
    };
    const checked = checkOptions(message.options);
    if (!checked.ok) {
      // RFC 7252 5.4.1: in a non-confirmable request it is rejected, here by silence (4.3).
      if (message.type === "NON") return ended("bad_option");
      const payload = `option ${checked.critical} is not understood, or is malformed`;
      return ended("bad_option", ...this.#answer(open, { code: "4.02", payload }, now));
    }
    const { options } = checked;
    if (options.some(({ number }) => number === OPTION.proxyUri || number === OPTION.proxyScheme)) {
      return ended("bad_option", ...this.#answer(open, { code: "5.05", payload: "this is no proxy" }, now));
    }
    if (this.#pending.size >= this.#maxPending) {
      const response = {
        code: "5.03",
        options: [uint(OPTION.maxAge, RETRY_AFTER)],
        payload: "too many requests",
      } as const;
      return ended("overload", ...this.#answer(open, response, now));
    }
    const lifetime = message.type === "CON" ? this.#timing.exchangeLifetime : this.#timing.nonLifetime;
    open.entry = this.#dedup.add(key, now + lifetime, now);
    open.block1 = blockOption(options, OPTION.block1);
    open.block2 = blockOption(options, OPTION.block2);
    return this.#takeBody(open, message.payload, options, now);
  }

  /** Delivers the request, or keeps its block, or refuses its body. */
  #takeBody(open: OpenExchange, payload: Uint8Array, options: readonly Option[], now: number): Received {
    const body = this.#reassemble(open, payload, options, now);
    switch (body.kind) {
      case "continue":
        return ended("block", ...this.#answer(open, { code: "2.31" }, now));
      case "refused": {
        const size1 = body.reason === "too_large" ? [uint(OPTION.size1, this.#maxBody)] : [];
        const response = { code: body.code, options: size1, payload: BODY_ADVICE[body.reason] };
        return ended(body.reason, ...this.#answer(open, response, now));
      }
      case "whole":
        if (open.type === "CON") open.acknowledgeAt = now + this.#separateAfter;
        this.#pending.add(open);
        return ended("request", { kind: "request", exchange: open, request: requestOf(open, options, body.body) });
    }
  }

  #reassemble(open: OpenExchange, payload: Uint8Array, options: readonly Option[], now: number): Accepted {
    if (open.block1 === undefined) {
      if (payload.length > this.#maxBody) return { kind: "refused", code: "4.13", reason: "too_large" };
      return { kind: "whole", body: payload };
    }
    const target = options.filter(({ number }) => number === OPTION.uriPath || number === OPTION.uriQuery);
    const names = target.map(({ number, value }) => `${number}:${Buffer.from(value).toString("latin1")}`);
    return this.#reassembly.accept(
      {
        key: JSON.stringify([open.peer.id, open.method, ...names]),
        block: open.block1,
        contentFormat: contentFormat(options),
        announced: uintOption(options, OPTION.size1),
        payload,
      },
      now,
    );
  }

  #answer(open: OpenExchange, response: CoapResponse, now: number): Effect[] {
    // RFC 7252 8.2: a group of which each member says no would be a storm.
    if (open.multicast && isError(response.code)) return [];
    return [this.#send(open, contentOf(open, response), now)];
  }

  /** In the acknowledgement where there was none yet, else in a message of its own (RFC 7252 5.2). */
  #send(open: OpenExchange, content: Content, now: number): Effect {
    const { peer, entry } = open;
    if (open.type === "CON" && !open.acknowledged) {
      const bytes = encodeMessage({ ...content, type: "ACK", messageId: open.messageId, token: open.token });
      if (entry !== undefined) this.#dedup.setReply(entry, bytes);
      return { kind: "send", peer, bytes };
    }
    const messageId = (open.messageId + this.#idShift) & 0xffff;
    const confirmable = open.type === "CON" && this.#retransmission.size < MAX_UNACKNOWLEDGED;
    const bytes = encodeMessage({ ...content, type: confirmable ? "CON" : "NON", messageId, token: open.token });
    if (confirmable) this.#retransmission.add(keyOf(peer, messageId), peer, bytes, now);
    return { kind: "send", peer, bytes };
  }
}

const BODY_ADVICE = {
  bad_block: "the block has a size that it must not have",
  block_incomplete: "the block is not the next one: begin again with block 0",
  too_large: "the body is too large",
} as const;

function keyOf(peer: Peer, messageId: number): string {
  return `${peer.id}#${messageId}`;
}

function ended(outcome: Outcome, ...effects: Effect[]): Received {
  return { outcome, effects };
}

function rst(peer: Peer, messageId: number): Effect {
  return { kind: "send", peer, bytes: emptyMessage("RST", messageId) };
}
