import type { Peer } from "../../datagram/index.js";
import { type Code, emptyMessage, encodeMessage, type Option } from "../message.js";
import type { MessageLayer, Owner } from "../message-layer.js";
import { blockSize, OPTION } from "../options.js";
import type { Effect } from "../outcome.js";
import type { CoapResponse } from "../request.js";
import { type Timed, Timers } from "../timers.js";
import { Answers } from "./answers.js";
import { lengthOfSlice } from "./block2.js";
import { type OpenExchange, operationOf } from "./exchange.js";
import { isUnwanted } from "./no-response.js";
import type { Reachability } from "./reachability.js";
import { amplificationLimit, contentOf, contentWithin, type Head, isError, messageOf, payloadOf } from "./response.js";

export interface ResponderOptions {
  /** Answers to peers without a proof of their address are short. */
  readonly limited: boolean;
  /** Large answers that are kept until their blocks are fetched, by number and bytes. */
  readonly maxAnswers: number;
  readonly maxAnswerBytes: number;
  /** ms. An answer to a group comes at any time within it. */
  readonly leisure: number;
}

/** An answer to a group, which waits for its turn. */
interface Delayed extends Timed {
  readonly effects: readonly Effect[];
}

/** Beyond it separate responses are sent without waiting for an acknowledgement, which RFC 7252 5.2.2 leaves open. */
const MAX_UNACKNOWLEDGED = 1024;
/** Answers to groups that wait: one to which we are too busy is none. */
const MAX_DELAYED = 256;
const RESPONSE: Owner = { kind: "response" };

/** Puts answers into messages, and sends them when and as they are due (RFC 7252 5.2, 8.2, RFC 7959, RFC 7967, RFC 9175 2.4). Pure. */
export class Responder {
  readonly #layer: MessageLayer;
  readonly #reachability: Reachability;
  readonly #options: ResponderOptions;
  readonly #answers: Answers;
  readonly #delayed = new Timers<Delayed>();

  constructor(layer: MessageLayer, reachability: Reachability, options: ResponderOptions) {
    this.#layer = layer;
    this.#reachability = reachability;
    this.#options = options;
    this.#answers = new Answers({
      maxAnswers: options.maxAnswers,
      maxBytes: options.maxAnswerBytes,
      expiry: layer.timing.exchangeLifetime,
    });
  }

  get answers(): Pick<Answers, "size" | "bytes"> {
    return this.#answers;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  answer(open: OpenExchange, response: CoapResponse, now: number): Effect[] {
    if (open.multicast) return this.#answerGroup(open, response, now);
    return isUnwanted(response.code, open.unwanted) ? this.#acknowledge(open) : this.#send(open, response, now);
  }

  /** 4.01 with a challenge: the same request with the Echo option comes from there (RFC 9175 2.3). */
  challenge(open: OpenExchange, now: number): Effect[] {
    return this.#send(open, { code: "4.01", options: [this.#echo(open.peer, now)] }, now);
  }

  /** A later block of an answer that is kept. Undefined: it is not, or not any more. */
  answerKept(open: OpenExchange, now: number): Effect[] | undefined {
    const key = operationOf(open);
    const kept = this.#answers.find(key, now);
    if (kept === undefined) return undefined;
    const { num, szx } = open.block2 ?? { num: 0, szx: 0 };
    // Its last block ends it; a lost one is found again by its message id.
    if ((num + 1) * blockSize(szx) >= kept.payload.length) this.#answers.drop(key);
    return this.#send(open, kept, now);
  }

  get deadline(): number | undefined {
    return this.#delayed.next;
  }

  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    for (let due = this.#delayed.expire(now); due !== undefined; due = this.#delayed.expire(now)) {
      effects.push(...due.effects);
    }
    return effects;
  }

  /** RFC 7252 8.2: not at once, as all members would, and only if it says something; which the client may know better (RFC 7967 2.1). */
  #answerGroup(open: OpenExchange, response: CoapResponse, now: number): Effect[] {
    const { code } = response;
    const isNothing = isError(code) || payloadOf(response).length === 0;
    const isLeftOut = open.unwanted === undefined ? isNothing : isUnwanted(code, open.unwanted);
    if (isLeftOut || this.#delayed.size >= MAX_DELAYED) return [];
    const due = now + this.#layer.random() * this.#options.leisure;
    // Encoded now: what cannot be is a fault of the handler, which is told of it here only.
    this.#delayed.start({ effects: this.#send(open, response, now), due, place: -1 }, due);
    return [{ kind: "deadline" }];
  }

  /** Nothing but that it came. */
  #acknowledge(open: OpenExchange): Effect[] {
    const { peer, type, messageId, entry } = open;
    if (type !== "CON" || open.acknowledged) return [];
    const bytes = emptyMessage("ACK", messageId);
    if (entry !== undefined) this.#layer.received.setReply(entry, bytes);
    return [{ kind: "send", peer, bytes }];
  }

  /** In the acknowledgement where there was none yet, else in a message of its own (RFC 7252 5.2). */
  #send(open: OpenExchange, response: CoapResponse, now: number): Effect[] {
    const { peer, entry, token } = open;
    if (open.type === "CON" && !open.acknowledged) {
      const bytes = this.#encode(open, response, { type: "ACK", messageId: open.messageId, token }, now);
      if (entry !== undefined) this.#layer.received.setReply(entry, bytes);
      return [{ kind: "send", peer, bytes }];
    }
    const messageId = this.#layer.ids.next(peer, now);
    if (messageId === undefined) return [];
    const { transmissions } = this.#layer;
    const confirmable = open.type === "CON" && transmissions.size < MAX_UNACKNOWLEDGED;
    const bytes = this.#encode(open, response, { type: confirmable ? "CON" : "NON", messageId, token }, now);
    if (confirmable) transmissions.add(peer, messageId, bytes, RESPONSE, now);
    return [{ kind: "send", peer, bytes }];
  }

  #encode(open: OpenExchange, response: CoapResponse, head: Head, now: number): Uint8Array {
    const limit = amplificationLimit(open.length, open.token.length);
    const mayBeLong = !this.#options.limited || this.#reachability.isProved(open.peer, now);
    // Nothing is made of a long answer that is not sent: its tag alone goes over all of it.
    if (mayBeLong || lengthOfSlice(payloadOf(response), open.block2) <= limit) {
      const content = contentOf(open, response);
      const bytes = encodeMessage(messageOf(head, content));
      if (mayBeLong || bytes.length <= limit) {
        this.#keepRest(open, response, content.payload.length, now);
        return bytes;
      }
    }
    // A challenge is not sent again and again (RFC 9175 2.4).
    const echo = head.type === "CON" ? [] : [this.#echo(open.peer, now)];
    const short = contentWithin(open, withOptions(response, echo), head, limit);
    if (short !== undefined) {
      this.#keepRest(open, response, 0, now);
      return encodeMessage(messageOf(head, short));
    }
    // What was done is not done again because its answer is long: that one goes out as it is.
    if (!isSafe(open.method) || head.type === "CON") return encodeMessage(messageOf(head, contentOf(open, response)));
    return encodeMessage(messageOf(head, contentOf(open, { code: "4.01", options: echo })));
  }

  /** Of an answer of which only `sent` bytes go out: who asks for the others must not cause it all to be done again (RFC 7959 3.3). */
  #keepRest(open: OpenExchange, response: CoapResponse, sent: number, now: number): void {
    if (open.method === "0.01" || isError(response.code) || (open.block2?.num ?? 0) > 0) return;
    const payload = payloadOf(response);
    if (payload.length <= sent) return;
    this.#answers.keep(operationOf(open), { code: response.code, options: response.options ?? [], payload }, now);
  }

  #echo(peer: Peer, now: number): Option {
    return { number: OPTION.echo, value: this.#reachability.challenge(peer, now) };
  }
}

/** GET and FETCH change nothing (RFC 7252 5.8, RFC 8132 2). */
function isSafe(method: Code): boolean {
  return method === "0.01" || method === "0.05";
}

function withOptions(response: CoapResponse, options: readonly Option[]): CoapResponse {
  return { ...response, options: [...(response.options ?? []), ...options] };
}
