import type { Peer } from "../datagram/index.js";
import type { Code, MessageType, Option } from "./message.js";
import { accept, contentFormat, uriPath, uriQuery } from "./options.js";

/** A request, whole and checked: what a handler sees of CoAP. */
export interface CoapRequest {
  readonly peer: Peer;
  /** 0.01 GET, 0.02 POST, 0.03 PUT, 0.04 DELETE; others may come too. */
  readonly method: Code;
  readonly confirmable: boolean;
  /** `/air/temperature` is ["air", "temperature"]. */
  readonly path: readonly string[];
  /** `?a=1&b` is ["a=1", "b"]. */
  readonly query: readonly string[];
  readonly contentFormat: number | undefined;
  readonly accept: number | undefined;
  /** The whole body, also if it came in blocks. A view: who keeps it copies it. */
  readonly payload: Uint8Array;
  /** All options that are understood. */
  readonly options: readonly Option[];
}

export interface CoapResponse {
  readonly code: Code;
  readonly options?: readonly Option[];
  /** A text is sent as UTF-8. With a 4.xx or 5.xx code and without a Content-Format it is the diagnostic payload (RFC 7252 5.5.2). */
  readonly payload?: Uint8Array | string;
}

/** What of the message itself a request needs. */
export interface RequestHead {
  readonly peer: Peer;
  readonly type: MessageType;
  readonly method: Code;
}

/** `options` are checked ones. */
export function requestOf(head: RequestHead, options: readonly Option[], payload: Uint8Array): CoapRequest {
  return {
    peer: head.peer,
    method: head.method,
    confirmable: head.type === "CON",
    path: uriPath(options),
    query: uriQuery(options),
    contentFormat: contentFormat(options),
    accept: accept(options),
    payload,
    options,
  };
}
