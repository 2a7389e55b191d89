import { messageOf } from "../../core/errors.js";
import { isLoopback, senderOf } from "../../core/ip.js";
import type {
  PublishOutcome,
  PubSubClient,
  PubSubMessage,
  PubSubPublication,
  PubSubRefusal,
  PubSubSession,
  SessionEnd,
  SubscribeRefusal,
} from "../../core/pubsub.js";
import { validTopic } from "../../core/topics.js";
import { filterRefusal } from "../connection/granted.js";
import { placeOf } from "../connection/place.js";
import { topicFault } from "../connection/topic-fault.js";
import type { Core } from "../core.js";
import type { Admission } from "../listeners/admission.js";
import { publishedQos } from "../policy.js";
import type { Publication } from "../publication.js";
import type { Store } from "../store/store.js";
import { subscribeRefusal, takenFilter } from "./filters.js";
import { TAKEN, takenByAnother, tellRefused } from "./refused.js";
import type { Regular } from "./regulars.js";
import { ClientSession } from "./session.js";

/** What clients of other protocols need of the broker. */
export interface Host {
  readonly core: Core;
  /** The same as that of the listeners: connections are counted together. */
  readonly admission: Admission;
  /** Those that are open. */
  readonly sessions: Set<ClientSession>;
}

/** A client of another protocol that was let in. */
export class AdmittedClient implements PubSubClient {
  readonly #host: Host;
  readonly #regular: Regular;
  /** Plain. */
  readonly #address: string;

  constructor(host: Host, regular: Regular, address: string) {
    this.#host = host;
    this.#regular = regular;
    this.#address = address;
  }

  get clientId(): string {
    return this.#regular.identity.clientId;
  }

  get user(): string | undefined {
    return this.#regular.identity.user;
  }

  async publish({ topic, payload, qos, retain, expiry }: PubSubPublication): Promise<PublishOutcome> {
    const { core } = this.#host;
    const { identity, rate } = this.#regular;
    const { stats, limits } = core;
    if (!validTopic(topic) || topicFault(topic, limits.topicLevels) !== undefined) return "invalid";
    if (Buffer.byteLength(topic) + payload.length > limits.packetSize) return "too_large";
    stats.publishReceived++;
    stats.publishBytesReceived += payload.length;
    if (rate !== undefined) {
      // Asked before it is taken: who comes too fast all the time is let through at its rate, not shut out.
      if (!rate.refill(core.now())) return "too_fast";
      rate.take(core.now());
    }
    const place = placeOf(core, identity, topic);
    if (place.refusal !== 0) return "forbidden";
    const { clientId } = identity;
    const publication: Publication = {
      topic: place.topic,
      payload,
      qos: publishedQos(core.policyOf(identity), qos),
      retain,
      clientId,
      messageExpiry: expiry === undefined ? undefined : core.now() + expiry * 1000,
    };
    try {
      await core.admit(publication, clientId);
      core.publish(publication);
      core.pressure.forget();
      if (qos > 0 || retain) await stored(core.store);
    } catch (error) {
      const message = `a publish of client ${clientId} to ${topic} was refused: ${messageOf(error)}`;
      core.journal({ level: "warn", event: "publish_refused", at: "broker", message });
      throw error;
    }
    return "published";
  }

  retained(topic: string): PubSubMessage | undefined | "forbidden" | "invalid" {
    const { core } = this.#host;
    const { identity } = this.#regular;
    if (!validTopic(topic) || topicFault(topic, core.limits.topicLevels) !== undefined) return "invalid";
    const name = core.rewrite.filter(topic);
    if (!core.access.may(identity, "subscribe", name) || !core.access.may(identity, "receive", name)) {
      const message = `client ${identity.clientId} may not read ${topic}`;
      core.journal({ level: "warn", event: "acl_denied", at: "broker", reason: "subscribe", message });
      return "forbidden";
    }
    const found = core.retained.get(name);
    return found && { topic: found.topic, payload: found.payload, qos: found.qos, retain: true };
  }

  refusal(filter: string): SubscribeRefusal | undefined {
    const { core } = this.#host;
    const rewritten = takenFilter(core, filter);
    if (rewritten === undefined) return "invalid";
    const { identity } = this.#regular;
    const session = core.sessions.get(identity.clientId);
    const own = session?.identity === identity ? session : undefined;
    return subscribeRefusal(filterRefusal(core, identity, rewritten, own));
  }

  async connect(ended: (why: SessionEnd) => void): Promise<PubSubSession | PubSubRefusal> {
    const { core, admission, sessions } = this.#host;
    const { identity } = this.#regular;
    const address = this.#address;
    const who = { clientId: identity.clientId, address };
    try {
      await core.fetch(identity);
    } catch (error) {
      tellRefused(core, who, "unavailable", messageOf(error));
      return "busy";
    }
    if (takenByAnother(core, identity)) {
      tellRefused(core, who, "client_id", TAKEN);
      return "client_id";
    }
    // Over UDP the address may be forged, by which the listeners count: whoever does so must not shut out all others.
    const share = Math.max(1, Math.floor(core.limits.connections / 2));
    const full = sessions.size >= share;
    const visit = full
      ? "connections"
      : admission.admit(isLoopback(address) ? undefined : senderOf(address), performance.now());
    if (typeof visit === "string") {
      tellRefused(core, who, visit, "there are as many connections as may be, or they come too fast");
      return "busy";
    }
    const session = new ClientSession(core, this, identity, (why) => {
      sessions.delete(session);
      visit.leave(performance.now());
      if (why !== "closed") ended(why);
    });
    sessions.add(session);
    const as = identity.user === undefined ? "" : ` as ${identity.user}`;
    const message = `client ${identity.clientId} connected${as} from ${address}, through ${identity.listener}`;
    core.journal({ level: "info", event: "client_connected", at: "broker", message });
    return session;
  }
}

function stored(store: Store): Promise<void> {
  return new Promise((resolve, reject) => store.stored((error) => (error === undefined ? resolve() : reject(error))));
}
