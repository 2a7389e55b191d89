import type { Peer } from "../../datagram/index.js";
import type { DedupEntry } from "../dedup.js";
import { type Code, emptyMessage, encodeMessage, type Message, type MessageType, type Option } from "../message.js";
import type { MessageLayer, Owner } from "../message-layer.js";
import { type Block, blockOption, checkOptions, contentFormat, OPTION, uint, uintOption } from "../options.js";
import { type Effect, type Exchange, ended, type Received } from "../outcome.js";
import { type CoapResponse, requestOf } from "../request.js";
import { messageKey } from "../transmissions.js";
import { type Accepted, createReassembly, type Reassembly } from "./block1.js";
import { type Content, contentOf, isError } from "./response.js";

export interface ServerOptions {
  /** The largest body of a request, in bytes. 65536 if left out. */
  readonly maxBody?: number;
  /** Requests that wait for the handler at one time. 1024 if left out. */
  readonly maxPending?: number;
  /** Bodies in blocks that are not whole yet. 64 if left out. */
  readonly maxTransfers?: number;
  /** After so many ms without a response a confirmable request is acknowledged, and the response is sent separately (RFC 7252 5.2.2). */
  readonly separateAfter?: number;
}

/** What the server role holds, for status pages and for tests of its bounds. */
export interface ServerState {
  readonly pending: number;
  readonly transfers: number;
  readonly transferBytes: number;
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
const RESPONSE: Owner = { kind: "response" };

/** The answering side of an endpoint (RFC 7252 5, RFC 7959). Pure. Everything it holds is bounded by its options. */
export class ServerRole {
  /** ms. No deadline of a request that comes in is nearer than this. */
  readonly separateAfter: number;
  readonly #layer: MessageLayer;
  readonly #maxBody: number;
  readonly #maxPending: number;
  readonly #reassembly: Reassembly;
  readonly #pending = new Set<OpenExchange>();
  #lost = 0;

  constructor(layer: MessageLayer, options: ServerOptions) {
    this.#layer = layer;
    this.#maxBody = options.maxBody ?? 65_536;
    this.#maxPending = options.maxPending ?? 1024;
    this.separateAfter = options.separateAfter ?? 1000;
    this.#reassembly = createReassembly({
      maxBody: this.#maxBody,
      maxTransfers: options.maxTransfers ?? 64,
      expiry: layer.timing.exchangeLifetime,
    });
  }

  /** A message with a request in it, confirmable or not. */
  request(message: Message, peer: Peer, multicast: boolean, now: number): Received {
    const key = messageKey(peer, message.messageId);
    const known = this.#layer.received.find(key, now);
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
    const lifetime = message.type === "CON" ? this.#layer.timing.exchangeLifetime : this.#layer.timing.nonLifetime;
    open.entry = this.#layer.received.add(key, now + lifetime, now);
    open.block1 = blockOption(options, OPTION.block1);
    open.block2 = blockOption(options, OPTION.block2);
    return this.#takeBody(open, message.payload, options, now);
  }

  /** Answers a request that was given out. A second answer to one exchange is ignored, and one to a peer that is gone. */
  respond(exchange: Exchange, response: CoapResponse, now: number): readonly Effect[] {
    const open = exchange as OpenExchange;
    return this.#pending.delete(open) ? this.#answer(open, response, now) : [];
  }

  /** A message of this role was not acknowledged in all its time. */
  lost(): void {
    this.#lost++;
  }

  /** When `tick` wants to be called, or undefined. */
  get deadline(): number | undefined {
    // All wait equally long: the first one that waits is the earliest.
    for (const { acknowledgeAt } of this.#pending) if (acknowledgeAt !== undefined) return acknowledgeAt;
    return undefined;
  }

  /** Acknowledges what waits too long for its response. */
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
    return effects;
  }

  /** The peer is gone: what it asked is answered to nobody. */
  forget(peer: Peer): void {
    for (const open of this.#pending) if (open.peer.id === peer.id) this.#pending.delete(open);
  }

  get state(): ServerState {
    return {
      pending: this.#pending.size,
      transfers: this.#reassembly.transfers,
      transferBytes: this.#reassembly.bytes,
      lost: this.#lost,
    };
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
        if (open.type === "CON") open.acknowledgeAt = now + this.separateAfter;
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
    return this.#send(open, contentOf(open, response), now);
  }

  /** In the acknowledgement where there was none yet, else in a message of its own (RFC 7252 5.2). */
  #send(open: OpenExchange, content: Content, now: number): Effect[] {
    const { peer, entry } = open;
    if (open.type === "CON" && !open.acknowledged) {
      const bytes = encodeMessage({ ...content, type: "ACK", messageId: open.messageId, token: open.token });
      if (entry !== undefined) this.#layer.received.setReply(entry, bytes);
      return [{ kind: "send", peer, bytes }];
    }
    const messageId = this.#layer.ids.next(peer, now);
    if (messageId === undefined) return [];
    const { transmissions } = this.#layer;
    const confirmable = open.type === "CON" && transmissions.size < MAX_UNACKNOWLEDGED;
    const bytes = encodeMessage({ ...content, type: confirmable ? "CON" : "NON", messageId, token: open.token });
    if (confirmable) transmissions.add(peer, messageId, bytes, RESPONSE, now);
    return [{ kind: "send", peer, bytes }];
  }
}

const BODY_ADVICE = {
  bad_block: "the block has a size that it must not have",
  block_incomplete: "the block is not the next one: begin again with block 0",
  too_large: "the body is too large",
} as const;
