import { messageOf } from "../../core/errors.js";
import {
  MqttError,
  type SubscribePacket,
  type Subscription,
  type UnsubscribePacket,
} from "../../protocols/mqtt/index.js";
import type { Core } from "../core.js";
import { parseFilter } from "../routes/shared-filter.js";
import type { Grant } from "../routes/subscriber.js";
import type { Session } from "../session/session.js";
import { plainFilter } from "../session/sessions.js";
import type { Client } from "./client.js";
import { topicFault } from "./topic-fault.js";

const NOT_AUTHORIZED = 0x87;
const FILTER_INVALID = 0x8f;
const QUOTA_EXCEEDED = 0x97;
const NO_SUBSCRIPTION = 0x11;
/** Before MQTT 5 there is one way to refuse (MQTT 3.1.1 3.9.3). */
const FAILURE = 0x80;
/** Retained messages that are replayed before others get their turn. */
const SLICE = 256;

/** Of the retained messages for a new subscription. */
interface Replay {
  readonly grant: Grant;
  readonly walk: ReturnType<Core["retained"]["walk"]>;
}

/** SUBSCRIBE and UNSUBSCRIBE of one connection. */
export class Subscribing {
  readonly #core: Core;
  readonly #connection: Client;
  readonly #session: Session;
  /** What is still to be replayed, in order of subscription. One a filter: who subscribes to it again has it from the beginning. */
  readonly #replays = new Map<string, Replay>();
  #replaying = false;

  constructor(core: Core, connection: Client, session: Session) {
    this.#core = core;
    this.#connection = connection;
    this.#session = session;
  }

  subscribe({ packetId, subscriptions, properties }: SubscribePacket): void {
    const { version } = this.#connection;
    const identifier = properties?.subscriptionIdentifier;
    const replays: { filter: string; grant: Grant }[] = [];
    const reasonCodes = subscriptions.map((subscription) => {
      const code = this.#take(subscription, identifier, replays);
      return version === 5 || code < FAILURE ? code : FAILURE;
    });
    // A subscription that a crash takes away again must not have been promised.
    this.#core.store.stored((error) => {
      if (error !== undefined) {
        this.#connection.end("error", `a subscription was not stored: ${messageOf(error)}`);
        return;
      }
      this.#connection.write({ kind: "suback", packetId, reasonCodes });
      for (const { filter, grant } of replays) {
        this.#replays.delete(filter);
        this.#replays.set(filter, { grant, walk: this.#core.retained.walk(filter) });
      }
      this.resume();
    });
  }

  unsubscribe({ packetId, filters }: UnsubscribePacket): void {
    const { sessions, store, limits } = this.#core;
    for (const filter of filters) {
      const fault = topicFault(filter, limits.topicLevels);
      if (fault !== undefined) throw new MqttError("MALFORMED", fault);
    }
    for (const filter of filters) this.#replays.delete(this.#rewritten(filter));
    const codes = filters.map((filter) =>
      sessions.unsubscribe(this.#session, this.#rewritten(filter)) ? 0 : NO_SUBSCRIPTION,
    );
    const reasonCodes = this.#connection.version === 5 ? codes : [];
    store.stored(() => this.#connection.write({ kind: "unsuback", packetId, reasonCodes }));
  }

  /** The granted QoS, or why not. */
  #take(
    { filter: written, qos: asked, noLocal, retainAsPublished, retainHandling }: Subscription,
    identifier: number | undefined,
    replays: { filter: string; grant: Grant }[],
  ): number {
    const { access, sessions, limits, policyOf } = this.#core;
    const session = this.#session;
    const filter = this.#rewritten(written);
    const plain = plainFilter(filter);
    const fault = topicFault(filter, limits.topicLevels);
    if (fault !== undefined) throw new MqttError("MALFORMED", fault);
    if (parseFilter(filter) === undefined) return FILTER_INVALID;
    if (!access.may(session.identity, "subscribe", plain)) {
      this.#denied(filter);
      return NOT_AUTHORIZED;
    }
    const known = session.subscriptions.has(filter);
    if (!known && session.subscriptions.size >= limits.subscriptions) return QUOTA_EXCEEDED;
    const most = policyOf(session.identity)?.deliverQos.most ?? 2;
    const qos = asked < most ? asked : most;
    sessions.subscribe(session, { filter, qos, noLocal, retainAsPublished, identifier });
    const wanted = retainHandling === 0 || (retainHandling === 1 && !known);
    if (wanted && plain === filter) {
      const identifiers = identifier === undefined ? undefined : [identifier];
      replays.push({ filter, grant: { qos, retainAsPublished, identifiers } });
    }
    return qos;
  }

  /** The client took something: what is left of the retained messages may go on. */
  resume(): void {
    if (this.#replays.size > 0 && !this.#replaying) this.#replay();
  }

  /** Retained messages, in slices, for a filter may take a hundred thousand; and as the client takes them. */
  #replay(): void {
    const session = this.#session;
    this.#replaying = false;
    const [next] = this.#replays;
    if (next === undefined || session.link !== this.#connection) return;
    const [filter, { walk, grant }] = next;
    let more = true;
    let left = SLICE;
    while (more && left > 0 && this.#connection.ready && !session.outgoing.pressed) {
      more = walk.advance(1, (publication) => {
        if (session.mayReceive(publication.topic)) session.replay(publication, grant);
      });
      left--;
    }
    // Nobody is made to wait for what a client asked for itself.
    this.#core.pressure.forget();
    if (!more) this.#replays.delete(filter);
    // Where the client takes no more for now, `resume` says when it does.
    if (this.#replays.size === 0 || (more && left > 0)) return;
    this.#replaying = true;
    setImmediate(() => this.#replay());
  }

  #rewritten(filter: string): string {
    const plain = plainFilter(filter);
    return filter.slice(0, filter.length - plain.length) + this.#core.rewrite.filter(plain);
  }

  #denied(filter: string): void {
    this.#core.journal({
      level: "warn",
      event: "acl_denied",
      at: "broker",
      reason: "subscribe",
      message: `client ${this.#session.clientId} may not subscribe to ${filter}`,
    });
  }
}
