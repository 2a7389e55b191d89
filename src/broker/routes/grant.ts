import type { Qos } from "../../core/message.js";
import type { Grant, Subscriber, SubscriptionOptions } from "./subscriber.js";

/** One receiver of a topic. */
export interface Route {
  readonly subscriber: Subscriber;
  /** What it gets of others' messages. */
  readonly grant: Grant;
  /** What it gets of its own: No Local subscriptions left out; the same object as `grant` where none is No Local. */
  readonly ownGrant: Grant | undefined;
}

/** There are six without an identifier, and nearly all are one of them. */
const PLAIN: readonly Grant[] = [false, true].flatMap((retainAsPublished) =>
  ([0, 1, 2] as const).map((qos) => ({ qos, retainAsPublished, identifiers: undefined })),
);

function makeGrant(qos: Qos, retainAsPublished: boolean, identifiers: readonly number[] | undefined): Grant {
  const plain = identifiers === undefined ? PLAIN[qos + (retainAsPublished ? 3 : 0)] : undefined;
  return plain ?? { qos, retainAsPublished, identifiers };
}

export function grantOf({ qos, retainAsPublished, identifier }: SubscriptionOptions): Grant {
  return makeGrant(qos, retainAsPublished, identifier === undefined ? undefined : [identifier]);
}

export function routeOf(subscriber: Subscriber, options: SubscriptionOptions): Route {
  const grant = grantOf(options);
  return { subscriber, grant, ownGrant: options.noLocal ? undefined : grant };
}

/** Of one subscriber whose subscriptions overlap, all at once: one after another would copy their identifiers each time. */
export function mergeRoutes(subscriber: Subscriber, routes: readonly Route[]): Route {
  const grant = mergeGrants(routes.map((route) => route.grant));
  if (routes.every((route) => route.ownGrant !== undefined)) return { subscriber, grant, ownGrant: grant };
  const own = routes.flatMap(({ ownGrant }) => ownGrant ?? []);
  return { subscriber, grant, ownGrant: own.length === 0 ? undefined : mergeGrants(own) };
}

function mergeGrants(grants: readonly Grant[]): Grant {
  let qos: Qos = 0;
  let retainAsPublished = false;
  // One identifier for two subscriptions goes out twice (MQTT 5 3.3.4).
  const identifiers: number[] = [];
  for (const grant of grants) {
    if (grant.qos > qos) qos = grant.qos;
    retainAsPublished ||= grant.retainAsPublished;
    for (const identifier of grant.identifiers ?? []) identifiers.push(identifier);
  }
  return makeGrant(qos, retainAsPublished, identifiers.length === 0 ? undefined : identifiers);
}
