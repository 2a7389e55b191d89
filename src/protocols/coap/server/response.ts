import { sliceBlock2 } from "./block2.js";
import type { Code, Message } from "../message.js";
import { type Block, block, OPTION } from "../options.js";
import type { CoapResponse } from "../request.js";

/** What of a response goes into a message. */
export type Content = Pick<Message, "code" | "options" | "payload">;

/** What of a request a response depends on. */
export interface Asked {
  readonly method: Code;
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
}

const NOTHING = new Uint8Array(0);

/** 4.xx and 5.xx (RFC 7252 5.9). */
export function isError(code: Code): boolean {
  return code.startsWith("4") || code.startsWith("5");
}

/** Names the block that is answered (RFC 7959 2.3), and cuts the block that is asked for out of what a GET brings. */
export function contentOf(asked: Asked, response: CoapResponse): Content {
  const { code } = response;
  const options = [...(response.options ?? [])];
  if (asked.block1 !== undefined) options.push(block(OPTION.block1, { ...asked.block1, more: code === "2.31" }));
  const payload = typeof response.payload === "string" ? Buffer.from(response.payload) : (response.payload ?? NOTHING);
  if (asked.method !== "0.01" || isError(code)) return { code, options, payload };
  const slice = sliceBlock2(payload, asked.block2);
  if (!slice.ok) return { code: "4.00", options: [], payload: Buffer.from("there is no such block") };
  return { code, options: [...options, ...slice.options], payload: slice.payload };
}
