import type { Peer } from "../../datagram/index.js";
import type { Code, Option } from "../message.js";
import { contentFormat, OPTION, uintOption } from "../options.js";
import type { IncomingResponse } from "./client.js";

/** One response message, with its options checked. */
export interface Answer {
  readonly code: Code;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
}

/** What a transfer sends: all of a message but its type, id and token. */
export type Outgoing = Answer;

/** s (RFC 7252 5.10.5). */
const DEFAULT_MAX_AGE = 60;

/** `answer` is whole. */
export function responseOf(peer: Peer, { code, options, payload }: Answer): IncomingResponse {
  return {
    peer,
    code,
    contentFormat: contentFormat(options),
    maxAge: uintOption(options, OPTION.maxAge) ?? DEFAULT_MAX_AGE,
    payload,
    options: options.filter(({ number }) => number !== OPTION.block1 && number !== OPTION.block2),
  };
}
