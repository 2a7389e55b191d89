import type { Peer } from "../datagram/index.js";
import type { Code, MessageType, Option } from "./message.js";
import { accept, contentFormat, OPTION, uintOption, uriPath, uriQuery } from "./options.js";

/** A request, whole and checked: what a handler sees of CoAP. */
export interface CoapRequest {
  readonly peer: Peer;
  /** 0.01 GET, 0.02 POST, 0.03 PUT, 0.04 DELETE, 0.05 FETCH, 0.06 PATCH, 0.07 iPATCH (RFC 8132); others may come too. */
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
  /** 0 to 8 bytes: the client knows its answer, and all states of what it observes, by it (RFC 7252 5.3.1). A view, as `payload` is. */
  readonly token: Uint8Array;
  /** A GET or FETCH with an Observe option (RFC 7641 2): its sender wants to hear of every new state, or no more. */
  readonly observe: "register" | "deregister" | undefined;
}

/** What became of a notification. */
export type NotifyOutcome =
  /** It was confirmable, and its receiver has it. */
  | "acknowledged"
  /** It was not confirmable: nobody knows. */
  | "sent"
  /** A newer one took its place before it was acknowledged (RFC 7641 4.5.2). */
  | "superseded"
  /** The observation ended meanwhile: a reset, no acknowledgement, a new registration, or the peer is gone. */
  | "ended";

/** One who wants to hear of every new state of a resource (RFC 7641). */
export interface Observer {
  readonly peer: Peer;
  /**
   * Sends a new state. One that is on its way and not acknowledged yet is superseded. A 4.xx or 5.xx ends the observation (RFC 7641
   * 4.2). `confirmable`: if left out the layer chooses, and is confirmable at least once in 24 hours (RFC 7641 4.5).
   */
  notify(state: CoapResponse, options?: { readonly confirmable?: boolean }): Promise<NotifyOutcome>;
  /**
   * Of the state that was sent last, only the first block went out: a client fetches the rest (RFC 7959 2.6), if it knows how, and
   * should find the same state there. To be read once `notify` has told what became of that state.
   */
  readonly partial: boolean;
  /** Takes it off the list without a word. */
  end(): void;
}

export interface CoapResponse {
  readonly code: Code;
  readonly options?: readonly Option[];
  /** A text is sent as UTF-8. With a 4.xx or 5.xx code and without a Content-Format it is the diagnostic payload (RFC 7252 5.5.2). */
  readonly payload?: Uint8Array | string;
  /**
   * With a 2.xx to a request whose `observe` is "register": its sender is taken on the list of observers, and the answer says so.
   * Called once, when the answer goes out; what it returns is called once, when the observation has ended for whatever reason.
   * Not called, and answered as an ordinary request, where there is no room for one more.
   */
  readonly observe?: (observer: Observer) => () => void;
}

/** What of the message itself a request needs. */
export interface RequestHead {
  readonly peer: Peer;
  readonly type: MessageType;
  readonly token: Uint8Array;
  readonly method: Code;
  readonly observe: CoapRequest["observe"];
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
    token: head.token,
    observe: head.observe,
  };
}

/** Only GET and FETCH can be observed (RFC 7641 2, RFC 8132 2.4), and only from the first block on (RFC 7959 2.6). Other values mean nothing. */
export function observeOption(method: Code, options: readonly Option[], blockNumber: number): CoapRequest["observe"] {
  if (method !== "0.01" && method !== "0.05") return undefined;
  const value = uintOption(options, OPTION.observe);
  if (value === undefined || blockNumber > 0) return undefined;
  return value === 0 ? "register" : value === 1 ? "deregister" : undefined;
}
