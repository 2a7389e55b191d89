import type { PubSubRefusal, SubscribeRefusal } from "../../../src/core/pubsub.js";
import { type CoapResponse, type Code, OPTION, uint } from "../../../src/protocols/coap/index.js";

/** What the counter `coap_refused` is split by; the broker tells of those that have none here. */
export type Reason = "method" | "query" | "topic" | "token" | "too_large" | "too_fast" | "unproven" | "failed";

/** A request that is not fulfilled. The message goes to the client as the diagnostic payload (RFC 7252 5.5.2). */
export class Refused extends Error {
  readonly code: Code;
  readonly reason: Reason | undefined;
  /** Seconds after which it may be asked again (RFC 7252 5.9.3.4). */
  readonly maxAge: number | undefined;

  constructor(code: Code, message: string, { reason, maxAge }: { reason?: Reason; maxAge?: number } = {}) {
    super(message);
    this.name = "Refused";
    this.code = code;
    this.reason = reason;
    this.maxAge = maxAge;
  }

  get response(): CoapResponse {
    const options = this.maxAge === undefined ? [] : [uint(OPTION.maxAge, this.maxAge)];
    return { code: this.code, options, payload: this.message };
  }
}

/** When there is no room: as for readings. Seconds. */
export const RETRY_AFTER = 30;
/** Who failed too often is heard again after some seconds; so is who comes too fast. */
const SOON = 10;

export function notLetIn(refusal: PubSubRefusal): Refused {
  switch (refusal) {
    case "bad_credentials":
      return new Refused("4.01", "user name or password are wrong");
    case "not_authorized":
      return new Refused("4.01", "this client is not let in");
    case "client_id":
      return new Refused("4.00", "the client id cannot be used");
    case "busy":
      return new Refused("5.03", "come again later", { maxAge: SOON });
  }
}

export function notSubscribed(refusal: SubscribeRefusal): Refused {
  switch (refusal) {
    case "forbidden":
      return new Refused("4.03", "this client may not subscribe to that");
    case "invalid":
      return new Refused("4.00", "the path is no topic filter", { reason: "topic" });
    case "too_many":
      return new Refused("4.03", "this client has as many subscriptions as it may");
  }
}
