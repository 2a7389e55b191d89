import { LARGEST_SZX, sliceBlock2 } from "./block2.js";
import { type Code, encodeMessage, type Message, type Option } from "../message.js";
import { type Block, block, OPTION } from "../options.js";
import type { CoapResponse } from "../request.js";

/** What of a response goes into a message. */
export type Content = Pick<Message, "code" | "options" | "payload">;
/** The rest of the message. */
export type Head = Pick<Message, "type" | "messageId" | "token">;

/** What of a request a response depends on. */
export interface Asked {
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
}

const NOTHING = new Uint8Array(0);
const NO_OPTIONS: readonly Option[] = [];

/** 4.xx and 5.xx (RFC 7252 5.9). */
export function isError(code: Code): boolean {
  return code.startsWith("4") || code.startsWith("5");
}

export function payloadOf({ payload }: CoapResponse): Uint8Array {
  return typeof payload === "string" ? Buffer.from(payload) : (payload ?? NOTHING);
}

/**
 * Names the block that is answered (RFC 7959 2.3), and cuts the block that is asked for out of what is answered. `largest`: the size
 * exponent that it must not exceed.
 */
export function contentOf(asked: Asked, response: CoapResponse, largest = LARGEST_SZX): Content {
  const { code } = response;
  const own = response.options ?? NO_OPTIONS;
  const options =
    asked.block1 === undefined ? own : [...own, block(OPTION.block1, { ...asked.block1, more: code === "2.31" })];
  const payload = payloadOf(response);
  if (isError(code) || (payload.length === 0 && (asked.block2?.num ?? 0) === 0)) return { code, options, payload };
  const etag = !options.some(({ number }) => number === OPTION.etag);
  const slice = sliceBlock2(payload, asked.block2, largest, etag);
  if (!slice.ok) return { code: "4.00", options: [], payload: Buffer.from("there is no such block") };
  return { code, options: [...options, ...slice.options], payload: slice.payload };
}

/** Throws RangeError on options that no message can hold: a fault of the handler. */
export function requireEncodable({ options }: CoapResponse): void {
  for (const { number, value } of options ?? NO_OPTIONS) {
    if (number > 0xffff || value.length > 0xffff) {
      throw new RangeError(`option ${number} with ${value.length} bytes is beyond what a message can hold`);
    }
  }
}

/** Written out: a spread of both takes four times as long as the message itself. */
export function messageOf({ type, messageId, token }: Head, { code, options, payload }: Content): Message {
  return { type, code, messageId, token, options, payload };
}

/** The longest message to a peer that has not shown yet that it is where it says (RFC 9175 2.4, item 3). Bytes. */
export function amplificationLimit(requestLength: number, tokenLength: number): number {
  return Math.max(AMPLIFICATION_FACTOR * requestLength, SAFE_LENGTH + tokenLength);
}

const AMPLIFICATION_FACTOR = 3;
/** Three times the smallest request with the headers below it (RFC 9175 2.4), before a token. */
const SAFE_LENGTH = 132 + 4;

/**
 * What makes a message of at most `limit` bytes: with a smaller block of the answer, which the client may ask the rest of (RFC 7959 2.4), and
 * without the explanation of an error. Undefined where its options alone are too long.
 */
export function contentWithin(asked: Asked, response: CoapResponse, head: Head, limit: number): Content | undefined {
  if (isError(response.code)) {
    const options = (response.options ?? []).filter(({ number }) => number !== OPTION.contentFormat);
    const content = contentOf(asked, { code: response.code, options });
    return encodeMessage(messageOf(head, content)).length <= limit ? content : undefined;
  }
  // With the longest values that the options of a block may have, and the marker of the payload.
  const longest = [
    ...(response.options ?? []),
    ...(asked.block1 === undefined ? [] : [BLOCK1_AT_MOST]),
    ...BLOCK2_AT_MOST,
  ];
  const room =
    limit - 1 - encodeMessage(messageOf(head, { code: response.code, options: longest, payload: NOTHING })).length;
  if (room < 16) return undefined;
  const largest = Math.min(LARGEST_SZX, Math.floor(Math.log2(room)) - 4);
  return contentOf(asked, response, largest);
}

const BLOCK1_AT_MOST = { number: OPTION.block1, value: new Uint8Array(3) };
const BLOCK2_AT_MOST = [
  { number: OPTION.etag, value: new Uint8Array(4) },
  { number: OPTION.block2, value: new Uint8Array(3) },
  { number: OPTION.size2, value: new Uint8Array(4) },
];
