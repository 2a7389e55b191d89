import type { Qos } from "../../core/message.js";
import type { Publication } from "../publication.js";

/** How one subscription wants its messages (MQTT 5 3.8.3.1). */
export interface SubscriptionOptions {
  readonly qos: Qos;
  /** Not what the subscriber published itself. */
  readonly noLocal: boolean;
  /** The retain mark as it was published; otherwise it is taken off. */
  readonly retainAsPublished: boolean;
  /** Subscription Identifier, from 1 on. */
  readonly identifier?: number | undefined;
}

/** What all the subscriptions of one subscriber that match a topic say together: it gets the message once (MQTT 5 3.3.4). */
export interface Grant {
  /** The highest of them. */
  readonly qos: Qos;
  /** One of them is enough. */
  readonly retainAsPublished: boolean;
  /** Of all of them, in no order; undefined where none has one. */
  readonly identifiers: readonly number[] | undefined;
}

/** Whoever gets messages: the session of a client, or a part of the gateway. */
export interface Subscriber {
  /** Compared with `Publication.clientId`; undefined for the gateway's own. */
  readonly clientId: string | undefined;
  /** Whether it can take a message now: a shared subscription prefers those that can. */
  readonly online: boolean;
  /** Whether it may have messages of that topic. Asked when a route is made, and again after `invalidate`. */
  mayReceive(topic: string): boolean;
  /** Must not throw. Called within publish: must not publish, subscribe or unsubscribe. */
  deliver(publication: Publication, grant: Grant): void;
}
