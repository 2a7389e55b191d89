import type {
  PubSubClient,
  PubSubMessage,
  PubSubSession,
  PubSubSubscription,
  Receiver,
  SessionEnd,
  SubscribeRefusal,
} from "../../core/pubsub.js";
import type { Identity } from "../access/access.js";
import { grantFilter } from "../connection/granted.js";
import { Replays } from "../connection/replays.js";
import type { Core } from "../core.js";
import type { Publication } from "../publication.js";
import type { HowSent } from "../session/delivery.js";
import type { ClientLink, Session } from "../session/session.js";
import { plainFilter } from "../session/sessions.js";
import { subscribeRefusal, takenFilter } from "./filters.js";
import { WaitingMessages } from "./waiting.js";

interface Subscribed {
  readonly filter: string;
  readonly receiver: Receiver;
}

/**
 * The connection of a client of another protocol, as its session sees it: a client without packets. It gets one message at a
 * time, and the next one when that has come to its end. What waits is bounded by the session (QoS 1 and 2) and here (QoS 0).
 */
export class ClientSession implements ClientLink, PubSubSession {
  readonly client: PubSubClient;
  /** One after another. */
  readonly window = 1;
  readonly identity: Identity;
  readonly #core: Core;
  readonly #ended: (why: SessionEnd | "closed") => void;
  readonly #waiting: WaitingMessages;
  readonly #session: Session;
  readonly #replays: Replays;
  /** By the subscription's identifier, which comes with each message. */
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #identifiers = new Map<string, number>();
  #identifier = 0;
  #busy = false;
  #closed = false;

  constructor(core: Core, client: PubSubClient, identity: Identity, ended: (why: SessionEnd | "closed") => void) {
    this.#core = core;
    this.client = client;
    this.identity = identity;
    this.#ended = ended;
    this.#waiting = new WaitingMessages(core.limits.queue, () => void core.stats.publishDropped++);
    // Nothing of it outlives it: a client of a protocol without sessions does not come back to one.
    const { session } = core.sessions.open(identity, { cleanStart: true, expiry: 0, will: undefined }, this);
    this.#session = session;
    this.#replays = new Replays(core, session, this);
    session.outgoing.attach(this);
    core.stats.connections++;
    core.stats.clientsMaximum = Math.max(core.stats.clientsMaximum, core.sessions.size - core.sessions.away);
  }

  get ready(): boolean {
    return !this.#busy;
  }

  subscribe(subscription: PubSubSubscription, receiver: Receiver): SubscribeRefusal | undefined {
    const filter = takenFilter(this.#core, subscription.filter);
    if (this.#closed || filter === undefined) return "invalid";
    // As in MQTT, where it is an error: a share has no own messages (MQTT-3.8.3-4).
    if (subscription.noLocal && filter.startsWith("$share/")) return "invalid";
    const identifier = ++this.#identifier;
    const { qos, noLocal, retainHandling } = subscription;
    const wanted = { filter, qos, noLocal, retainHandling, retainAsPublished: false, identifier };
    const { code, replay } = grantFilter(this.#core, this.#session, wanted);
    const refusal = subscribeRefusal(code);
    if (refusal !== undefined) return refusal;
    this.#subscribed.delete(this.#identifiers.get(filter) ?? 0);
    this.#subscribed.set(identifier, { filter, receiver });
    this.#identifiers.set(filter, identifier);
    if (replay === undefined) return undefined;
    this.#replays.add(filter, replay);
    // Not before whoever subscribes knows that it has.
    setImmediate(() => this.#replays.resume());
    return undefined;
  }

  unsubscribe(filter: string): boolean {
    const rewritten = takenFilter(this.#core, filter);
    return rewritten !== undefined && !this.#closed && this.#unsubscribe(rewritten);
  }

  publish(publication: Publication, how: HowSent): boolean {
    if (this.#closed) return true;
    if (!this.#busy) this.#start(publication, how);
    else this.#waiting.add(publication, how);
    return true;
  }

  pubrel(): void {
    // A QoS 2 message is settled as soon as it arrived: `#settle` says so without this step.
  }

  press(): void {
    // Nobody waits for a client that takes one message in a round trip: what it does not take waits, and is dropped in the end.
  }

  disconnect(): void {
    this.end("closed");
  }

  /** It has come by another connection. */
  close(): void {
    this.end("taken_over");
  }

  /** Looks at what depends on time. */
  sweep(wall: number): void {
    const { until } = this.identity;
    if (until !== undefined && wall > until) this.end("revoked");
  }

  /** Who may do what has changed. */
  permissionsChanged(revoked: (identity: Identity) => boolean): void {
    if (revoked(this.identity)) {
      this.end("revoked");
      return;
    }
    for (const { filter, receiver } of [...this.#subscribed.values()]) {
      if (this.#core.access.may(this.identity, "subscribe", plainFilter(filter))) continue;
      this.#unsubscribe(filter);
      receiver.revoked();
    }
  }

  end(why: SessionEnd | "closed"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.clear();
    this.#subscribed.clear();
    const { journal, sessions } = this.#core;
    const message = `client ${this.identity.clientId}: ${why}`;
    journal({ level: "debug", event: "client_disconnected", at: "broker", message });
    if (this.#session.link === this) sessions.close(this.#session);
    this.#ended(why);
  }

  #unsubscribe(filter: string): boolean {
    const identifier = this.#identifiers.get(filter);
    if (identifier === undefined) return false;
    this.#identifiers.delete(filter);
    this.#subscribed.delete(identifier);
    this.#replays.forget(filter);
    return this.#core.sessions.unsubscribe(this.#session, filter);
  }

  #start(publication: Publication, how: HowSent): void {
    const { stats } = this.#core;
    this.#busy = true;
    stats.publishSent++;
    stats.publishBytesSent += publication.payload.length;
    void this.#deliver(publication, how).then((arrived) => {
      if (!arrived) stats.publishDropped++;
      this.#settle(how);
    });
  }

  /** To each subscription that took it. Never rejects, and does nothing within the routing that brought it here. */
  async #deliver({ topic, payload }: Publication, { qos, retain, identifiers = [] }: HowSent): Promise<boolean> {
    const message: PubSubMessage = { topic, payload, qos, retain };
    await undefined;
    const outcomes = await Promise.all(
      identifiers.map(async (identifier) => {
        try {
          return (await this.#subscribed.get(identifier)?.receiver.deliver(message)) ?? false;
        } catch {
          return false; // whoever receives it has told why
        }
      }),
    );
    return outcomes.includes(true);
  }

  /** It has come to its end, whatever that was: the next one goes, of either kind in turns. */
  #settle({ qos, packetId }: HowSent): void {
    const { outgoing } = this.#session;
    if (qos !== 0) outgoing.acknowledged(packetId, qos);
    this.#busy = false;
    if (qos === 0) outgoing.pump();
    while (!this.#busy) {
      const next = this.#waiting.take();
      if (next === undefined) break;
      const { messageExpiry } = next.publication;
      if (messageExpiry === undefined || messageExpiry > this.#core.now()) this.#start(next.publication, next.how);
      else this.#core.stats.publishDropped++;
    }
    if (qos !== 0) outgoing.pump();
    this.#replays.resume();
  }
}
