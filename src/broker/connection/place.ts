import type { Identity } from "../access/access.js";
import type { Core } from "../core.js";

export const NOT_AUTHORIZED = 0x87;

/** What is known of a topic that a client publishes to. */
export interface Place {
  /** Under which it is routed. */
  readonly topic: string;
  /** Why nothing may be published there: a reason code; 0: it may. */
  readonly refusal: number;
}

/** Of a topic in which `topicFault` finds nothing. */
export function placeOf({ access, journal, rewrite }: Core, identity: Identity, name: string): Place {
  const own = name.startsWith("$SYS/") || name.startsWith("$share/");
  const refusal = own || !access.may(identity, "publish", name) ? NOT_AUTHORIZED : 0;
  if (refusal !== 0) {
    const message = `client ${identity.clientId} may not publish to ${name}`;
    journal({ level: "warn", event: "acl_denied", at: "broker", reason: "publish", message });
  }
  return { topic: rewrite.topic(name), refusal };
}
