import type { Qos } from "../../core/message.js";
import type { Identity } from "../access/access.js";
import type { Core } from "../core.js";
import { parseFilter } from "../routes/shared-filter.js";
import type { Grant } from "../routes/subscriber.js";
import type { Session } from "../session/session.js";
import { plainFilter } from "../session/sessions.js";
import { NOT_AUTHORIZED } from "./place.js";

export const FILTER_INVALID = 0x8f;
const QUOTA_EXCEEDED = 0x97;

/** What a client asks for with one filter (MQTT 5 3.8.3.1). */
export interface Wanted {
  /** As the rules for rewriting made it. */
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly identifier: number | undefined;
}

export interface Granted {
  /** The granted QoS, or a reason code from 0x80 on. */
  readonly code: number;
  /** How retained messages are to be replayed; undefined: they are not. */
  readonly replay: Grant | undefined;
}

/** The filter of a client as the rules for rewriting make it. */
export function rewrittenFilter({ rewrite }: Core, filter: string): string {
  const plain = plainFilter(filter);
  return filter.slice(0, filter.length - plain.length) + rewrite.filter(plain);
}

/** Why a client may not subscribe to a rewritten filter: a reason code; 0: it may. `session`: the one it has, if any. */
export function filterRefusal(
  { access, limits, journal }: Core,
  identity: Identity,
  filter: string,
  session: Pick<Session, "subscriptions"> | undefined,
): number {
  if (parseFilter(filter) === undefined) return FILTER_INVALID;
  if (!access.may(identity, "subscribe", plainFilter(filter))) {
    const message = `client ${identity.clientId} may not subscribe to ${filter}`;
    journal({ level: "warn", event: "acl_denied", at: "broker", reason: "subscribe", message });
    return NOT_AUTHORIZED;
  }
  if (session === undefined || session.subscriptions.has(filter)) return 0;
  return session.subscriptions.size >= limits.subscriptions ? QUOTA_EXCEEDED : 0;
}

/** Subscribes, where that is allowed. */
export function grantFilter(core: Core, session: Session, wanted: Wanted): Granted {
  const { filter, noLocal, retainAsPublished, retainHandling, identifier } = wanted;
  const refused = filterRefusal(core, session.identity, filter, session);
  if (refused !== 0) return { code: refused, replay: undefined };
  const known = session.subscriptions.has(filter);
  const most = core.policyOf(session.identity)?.deliverQos.most ?? 2;
  const qos = wanted.qos < most ? wanted.qos : most;
  core.sessions.subscribe(session, { filter, qos, noLocal, retainAsPublished, identifier });
  const replayed = (retainHandling === 0 || (retainHandling === 1 && !known)) && plainFilter(filter) === filter;
  const identifiers = identifier === undefined ? undefined : [identifier];
  return { code: qos, replay: replayed ? { qos, retainAsPublished, identifiers } : undefined };
}
