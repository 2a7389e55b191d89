import type { Publication } from "../publication.js";
import type { Audience } from "./audience.js";
import { mergeRoutes, type Route } from "./grant.js";
import type { Share } from "./share.js";
import type { Subscriber } from "./subscriber.js";
import type { Weighed } from "./topic-cache.js";

/** Who gets the messages of a topic. */
export interface Matched extends Weighed {
  /** Each subscriber once. */
  readonly routes: readonly Route[];
  /** Each group gets it besides: a subscriber has it once more by a group that it is in (MQTT 5 4.8.2). */
  readonly shares: readonly Share[];
}

export const NOBODY: Matched = { routes: [], shares: [], weight: 0 };

/** Bytes, about: a place in an array; a route that was merged; a share. */
const PLACE = 8;
const MERGED = 128;
const SHARE = 256;

/** Those who may have the topic, of all whose filters take it. */
export function matched(topic: string, audiences: readonly Audience[]): Matched {
  const routes: Route[] = [];
  const shares: Share[] = [];
  let weight = 0;
  const [only] = audiences;
  if (audiences.length === 1 && only !== undefined) {
    for (const route of only.routes) if (route.subscriber.mayReceive(topic)) routes.push(route);
  } else {
    for (const [subscriber, own] of bySubscriber(audiences)) {
      if (!subscriber.mayReceive(topic)) continue;
      const merged = Array.isArray(own);
      routes.push(merged ? mergeRoutes(subscriber, own) : own);
      // As many identifiers as subscriptions, in two grants
      if (merged) weight += MERGED + 2 * PLACE * own.length;
    }
  }
  for (const audience of audiences) {
    for (const group of audience.groups) {
      const found = group.on(topic);
      if (found === undefined) continue;
      shares.push(found.share);
      weight += SHARE + 4 * PLACE * found.barred;
    }
  }
  if (routes.length + shares.length === 0) return NOBODY;
  return { routes, shares, weight: weight + PLACE * routes.length };
}

function bySubscriber(audiences: readonly Audience[]): Map<Subscriber, Route | Route[]> {
  const found = new Map<Subscriber, Route | Route[]>();
  for (const audience of audiences) {
    for (const route of audience.routes) {
      const before = found.get(route.subscriber);
      if (before === undefined) found.set(route.subscriber, route);
      else if (Array.isArray(before)) before.push(route);
      else found.set(route.subscriber, [before, route]);
    }
  }
  return found;
}

/** Hands a message to all who get it. How many that were. */
export function deliver({ routes, shares }: Matched, publication: Publication): number {
  let receivers = 0;
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index];
    const grant = route?.subscriber.clientId === publication.clientId ? route?.ownGrant : route?.grant;
    if (route === undefined || grant === undefined) continue;
    route.subscriber.deliver(publication, grant);
    receivers++;
  }
  for (let index = 0; index < shares.length; index++) {
    const member = shares[index]?.next();
    if (member === undefined) continue;
    member.subscriber.deliver(publication, member.grant);
    receivers++;
  }
  return receivers;
}
