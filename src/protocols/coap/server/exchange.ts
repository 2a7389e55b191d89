import type { Peer } from "../../datagram/index.js";
import { cacheKey } from "../cache-key.js";
import type { DedupEntry } from "../dedup.js";
import type { Code, Message, MessageType, Option } from "../message.js";
import { type Block, blockOption, OPTION } from "../options.js";
import type { Exchange } from "../outcome.js";
import { type CoapRequest, observeOption } from "../request.js";
import { noResponse } from "./no-response.js";

/** A request that has no answer yet. */
export interface OpenExchange extends Exchange {
  readonly peer: Peer;
  readonly type: MessageType;
  readonly messageId: number;
  readonly token: Uint8Array;
  readonly method: Code;
  readonly multicast: boolean;
  /** Bytes of its datagram. */
  readonly length: number;
  /** Checked ones; none where they were refused. */
  readonly options: readonly Option[];
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
  readonly observe: CoapRequest["observe"];
  /** The No-Response option (RFC 7967). */
  readonly unwanted: number | undefined;
  /** Undefined for what is refused before it is remembered: its duplicate is refused anew. */
  entry: DedupEntry | undefined;
  /** ms; undefined: it needs no acknowledgement of its own, or has got it. */
  acknowledgeAt: number | undefined;
  acknowledged: boolean;
}

/** `length`: bytes of its datagram. `options`: checked ones. */
export function openExchange(
  { type, messageId, token, code }: Message,
  length: number,
  peer: Peer,
  multicast: boolean,
  options: readonly Option[],
): OpenExchange {
  const block2 = blockOption(options, OPTION.block2);
  return {
    peer,
    type,
    messageId,
    token,
    method: code,
    multicast,
    length,
    options,
    block1: blockOption(options, OPTION.block1),
    block2,
    // Who asked a group and got many answers could not tell their notifications apart.
    observe: multicast ? undefined : observeOption(code, options, block2?.num ?? 0),
    unwanted: noResponse(options),
    entry: undefined,
    acknowledgeAt: undefined,
    acknowledged: false,
  };
}

/**
 * A later block of an answer that was made already. A GET has its answer made anew, and so has a FETCH that says again what it wants;
 * others must not be done twice (RFC 7959 3.3).
 */
export function asksForRest({ method, block2 }: OpenExchange, payload: Uint8Array): boolean {
  if (block2 === undefined || block2.num === 0) return false;
  return method !== "0.01" && (method !== "0.05" || payload.length === 0);
}

/** What its blocks have in common, whatever their tokens, which clients change with each (RFC 7959 2.4, 3.2). */
export function operationOf({ peer, method, options }: OpenExchange): string {
  return `${peer.id} ${cacheKey(method, options)}`;
}

/** latin1. */
export function tokenOf({ token }: OpenExchange): string {
  return Buffer.from(token.buffer, token.byteOffset, token.length).toString("latin1");
}
