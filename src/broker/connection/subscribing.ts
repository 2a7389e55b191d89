import { messageOf } from "../../core/errors.js";
import {
  MqttError,
  type SubscribePacket,
  type Subscription,
  type UnsubscribePacket,
} from "../../protocols/mqtt/index.js";
import type { Core } from "../core.js";
import type { Grant } from "../routes/subscriber.js";
import type { Session } from "../session/session.js";
import type { Client } from "./client.js";
import { grantFilter, rewrittenFilter } from "./granted.js";
import { Replays } from "./replays.js";
import { topicFault } from "./topic-fault.js";

const NO_SUBSCRIPTION = 0x11;
/** Before MQTT 5 there is one way to refuse (MQTT 3.1.1 3.9.3). */
const FAILURE = 0x80;

/** SUBSCRIBE and UNSUBSCRIBE of one connection. */
export class Subscribing {
  readonly #core: Core;
  readonly #connection: Client;
  readonly #session: Session;
  readonly #replays: Replays;

  constructor(core: Core, connection: Client, session: Session) {
    this.#core = core;
    this.#connection = connection;
    this.#session = session;
    this.#replays = new Replays(core, session, connection);
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
      for (const { filter, grant } of replays) this.#replays.add(filter, grant);
      this.resume();
    });
  }

  unsubscribe({ packetId, filters }: UnsubscribePacket): void {
    const { sessions, store, limits } = this.#core;
    for (const filter of filters) {
      const fault = topicFault(filter, limits.topicLevels);
      if (fault !== undefined) throw new MqttError("MALFORMED", fault);
    }
    for (const filter of filters) this.#replays.forget(this.#rewritten(filter));
    const codes = filters.map((filter) =>
      sessions.unsubscribe(this.#session, this.#rewritten(filter)) ? 0 : NO_SUBSCRIPTION,
    );
    const reasonCodes = this.#connection.version === 5 ? codes : [];
    store.stored(() => this.#connection.write({ kind: "unsuback", packetId, reasonCodes }));
  }

  /** The client took something: what is left of the retained messages may go on. */
  resume(): void {
    this.#replays.resume();
  }

  /** The granted QoS, or why not. */
  #take(
    subscription: Subscription,
    identifier: number | undefined,
    replays: { filter: string; grant: Grant }[],
  ): number {
    const filter = this.#rewritten(subscription.filter);
    const fault = topicFault(filter, this.#core.limits.topicLevels);
    if (fault !== undefined) throw new MqttError("MALFORMED", fault);
    const { code, replay } = grantFilter(this.#core, this.#session, { ...subscription, filter, identifier });
    if (replay !== undefined) replays.push({ filter, grant: replay });
    return code;
  }

  #rewritten(filter: string): string {
    return rewrittenFilter(this.#core, filter);
  }
}
