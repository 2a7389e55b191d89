import { CoapError } from "../errors.js";
import type { Code, Option } from "../message.js";
import { OPTION, uint } from "../options.js";
import type { Outgoing } from "./answer.js";
import type { OutgoingRequest } from "./client.js";

/** 2^20 blocks of 16 bytes: what can be numbered whatever size of block a server wants (RFC 7959 2.2). */
const MAX_PAYLOAD = 2 ** 24;
/** Not of the RFC: options go into each message, and beside a block of 1024 bytes there is little room for them. */
const MAX_OPTION_BYTES = 1024;
const MAX_SEGMENT = 255;
const MAX_UINT16 = 0xffff;
const METHOD = /^0\.(0[1-9]|[12]\d|3[01])$/;

/** What the layer writes itself. */
const OWN: ReadonlySet<number> = new Set([
  OPTION.observe,
  OPTION.uriPath,
  OPTION.contentFormat,
  OPTION.uriQuery,
  OPTION.accept,
  OPTION.block2,
  OPTION.block1,
  OPTION.size1,
  OPTION.echo,
  OPTION.requestTag,
]);

const NOTHING = new Uint8Array(0);

/** A request as messages carry it, or what of it cannot be said in CoAP: INVALID. */
export function prepare(request: OutgoingRequest): Outgoing | CoapError {
  const { method, path, query = [], contentFormat, accept, payload = NOTHING } = request;
  if (!METHOD.test(method)) return invalid(`${method} is no method`);
  if (payload.length > MAX_PAYLOAD) return invalid(`a payload has at most ${MAX_PAYLOAD} bytes`);
  const options = [
    ...path.map((segment) => text(OPTION.uriPath, segment)),
    ...query.map((part) => text(OPTION.uriQuery, part)),
  ];
  if (options.some(({ value }) => value.length > MAX_SEGMENT)) {
    return invalid(`a part of a path or a query has at most ${MAX_SEGMENT} bytes`);
  }
  for (const [number, value] of [
    [OPTION.contentFormat, contentFormat],
    [OPTION.accept, accept],
  ] as const) {
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 0 || value > MAX_UINT16) return invalid(`${value} is no Content-Format`);
    options.push(uint(number, value));
  }
  for (const option of request.options ?? []) {
    if (OWN.has(option.number)) return invalid(`option ${option.number} is not to be given as such`);
    if (!Number.isInteger(option.number) || option.number < 0 || option.number > MAX_UINT16) {
      return invalid(`${option.number} is no option`);
    }
    options.push(option);
  }
  const size = options.reduce((sum, { value }) => sum + value.length + 5, 0);
  if (size > MAX_OPTION_BYTES) return invalid(`the options of a request have at most ${MAX_OPTION_BYTES} bytes`);
  return { code: method satisfies Code, options, payload };
}

function text(number: number, value: string): Option {
  return { number, value: Buffer.from(value) };
}

function invalid(why: string): CoapError {
  return new CoapError("INVALID", `such a request cannot be sent: ${why}`);
}
