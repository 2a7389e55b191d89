import type { Peer } from "../../datagram/index.js";
import type { CoapError } from "../errors.js";
import type { Code, Option } from "../message.js";

/** What this end asks a server for. */
export interface OutgoingRequest {
  /** 0.01 GET, 0.02 POST, 0.03 PUT, 0.04 DELETE, 0.05 FETCH, 0.06 PATCH, 0.07 iPATCH (RFC 8132). */
  readonly method: Code;
  /** `/air/temperature` is ["air", "temperature"]. */
  readonly path: readonly string[];
  /** `?a=1&b` is ["a=1", "b"]. */
  readonly query?: readonly string[];
  /** True if left out: it is sent again until it is acknowledged. */
  readonly confirmable?: boolean;
  readonly contentFormat?: number | undefined;
  readonly accept?: number | undefined;
  /** Sent in blocks if it is larger than one (RFC 7959). */
  readonly payload?: Uint8Array;
  /** Others than those above, and than what the layer itself adds: Observe, Block1, Block2, Size1, Echo, Request-Tag. */
  readonly options?: readonly Option[];
}

/** What it answers, whole: blocks are put together. */
export interface IncomingResponse {
  readonly peer: Peer;
  /** 2.05 Content; 4.xx and 5.xx are answers like others. */
  readonly code: Code;
  readonly contentFormat: number | undefined;
  /** How long it may be taken for the state of the resource, in s: 60 where the server does not say (RFC 7252 5.10.5). */
  readonly maxAge: number;
  readonly payload: Uint8Array;
  /** All options that are understood. */
  readonly options: readonly Option[];
}

export interface RequestLimits {
  /** ms from the call to the whole answer; without it the standard's times count alone, message by message. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** The largest answer, in bytes. That of the endpoint if left out. */
  readonly maxBody?: number;
}

/** How answers of a group are collected. */
export interface GroupLimits {
  /** ms from the question on. 6000 if left out: members answer at any time within 5 s (RFC 7252 8.2). */
  readonly within?: number;
  /** Answers, after which no more are waited for. 256 if left out. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** Hears of a resource (RFC 7641). */
export interface ObservationListener {
  /**
   * A newer state than all before (RFC 7641 3.4), the first one included. The peer's message is acknowledged once this returned, or
   * once its promise resolves. A throw or a rejection leaves it unacknowledged, so that the peer sends it again; one that the peer
   * would not send again is asked for.
   */
  next(state: IncomingResponse): void | Promise<void>;
  /**
   * Nothing more comes: the server refused or ended it with an error, or answered with a state that it does not say it will keep up
   * (2.05 without Observe: the resource cannot be observed, or there is no room), or it could not be kept up. Called once, after
   * `observe` has returned, and after the states that came before were taken where a server ended it; not after `cancel`.
   */
  ended(why: IncomingResponse | CoapError): void;
}

export interface ObserveLimits {
  /**
   * The registration is renewed after so many ms in which nothing came, also where Max-Age is longer: a server that began anew and
   * forgot it is found then. Max-Age alone counts if left out.
   */
  readonly renewAfter?: number;
}

export interface Observation {
  /** Tells the server (RFC 7641 3.6), without waiting for its answer longer than the standard has it. Never rejects. */
  cancel(): Promise<void>;
}

/** The asking side of an endpoint. */
export interface CoapClient {
  /**
   * Sends a request and resolves with the answer, also one that says no. Rejects with a CoapError. Requests to one peer wait for
   * each other (NSTART, RFC 7252 4.7).
   */
  request(peer: Peer, request: OutgoingRequest, limits?: RequestLimits): Promise<IncomingResponse>;
  /**
   * Observes a resource with GET or FETCH. States that come while one is being taken wait, up to 8 of them; more are not
   * acknowledged. The registration is kept up: where nothing came for Max-Age it is renewed with the same token (RFC 7641 3.3.1), and
   * ends with a CoapError where that gets no answer.
   */
  observe(peer: Peer, request: OutgoingRequest, listener: ObservationListener, limits?: ObserveLimits): Observation;
  /**
   * Asks a group (RFC 7252 8), with a GET that is sent once, and resolves with the answers of those who gave one in time. What is larger
   * than one block is fetched from who has it; of whom that fails there is no answer. Rejects with a CoapError.
   */
  gather(
    group: Peer,
    request: Pick<OutgoingRequest, "path" | "query" | "accept">,
    limits?: GroupLimits,
  ): Promise<IncomingResponse[]>;
  /** Resolves when the peer answered an empty confirmable message (RFC 7252 4.3). Rejects with a CoapError. */
  ping(peer: Peer, limits?: Pick<RequestLimits, "timeout" | "signal">): Promise<void>;
}
