import { messageOf } from "../../core/errors.js";
import { MqttError, type PublishPacket, type PublishProperties } from "../../protocols/mqtt/index.js";
import type { Core } from "../core.js";
import { type ClientPolicy, publishedQos } from "../policy.js";
import type { ForwardedProperties, Publication } from "../publication.js";
import type { Session, Taker } from "../session/session.js";
import { IncomingAliases } from "./aliases.js";
import { type Client, PAUSED } from "./client.js";
import { type Place, placeOf } from "./place.js";
import { Rate } from "./rate.js";
import type { ConnectionTerms } from "./terms.js";
import { topicFault } from "./topic-fault.js";

const NO_SUBSCRIBERS = 0x10;
const RECEIVE_MAXIMUM_EXCEEDED = 0x93;
const QUOTA_EXCEEDED = 0x97;

/** Topics of one client whose permission is remembered. */
const KNOWN_TOPICS = 256;
const LONGEST_KNOWN = 1_024;
/** What waits for its admission before nothing more is read. */
const MOST_PENDING = 1_024;
const MOST_PENDING_BYTES = 1024 * 1024;

interface Pending {
  readonly publication: Publication;
  readonly packetId: number;
  /** Of the flow: a policy may have given the message another one. */
  readonly qos: 0 | 1 | 2;
  admitted: boolean;
  refused: unknown;
}

/**
 * PUBLISH and PUBREL of one connection. Messages are admitted at the same time, but routed and acknowledged in the order in
 * which they came (MQTT-4.6.0-1 to -3). A message is acknowledged once it was admitted, routed, and all that it changed is stored.
 */
export class Inbound implements Taker {
  readonly #core: Core;
  readonly #connection: Client;
  readonly #session: Session;
  readonly #version: number;
  readonly #aliases: IncomingAliases;
  readonly #policy: ClientPolicy | undefined;
  readonly #rate: Rate | undefined;
  #places = new Map<string, Place>();
  /** In order of arrival, from `#first` on. */
  #pending: Pending[] = [];
  #first = 0;
  #pendingBytes = 0;
  /** QoS 1 messages that are not acknowledged. */
  #unacknowledged = 0;
  #closed = false;

  constructor(core: Core, connection: Client, session: Session, terms: ConnectionTerms) {
    this.#core = core;
    this.#connection = connection;
    this.#session = session;
    this.#version = terms.version;
    this.#aliases = new IncomingAliases(core.limits.topicAliases);
    this.#policy = core.policyOf(session.identity);
    this.#rate = this.#policy?.rate === undefined ? undefined : new Rate(this.#policy.rate, core.now());
  }

  publish(packet: PublishPacket): void {
    const core = this.#core;
    const session = this.#session;
    if (packet.properties?.subscriptionIdentifiers !== undefined)
      throw new MqttError("PROTOCOL_ERROR", "a subscription identifier from a client [MQTT-3.3.4-6]");
    const alias = packet.properties?.topicAlias;
    const name = alias === undefined ? packet.topic : this.#aliases.topicOf(packet.topic, alias);
    const place = this.#places.get(name) ?? this.#look(name);
    const packetId = packet.qos === 0 ? 0 : packet.packetId;
    core.stats.publishReceived++;
    core.stats.publishBytesReceived += packet.payload.length;
    if (packet.qos === 2 && session.taking.has(packetId)) {
      session.taking.set(packetId, this);
      return;
    }
    if (packet.qos === 2 && session.received.has(packetId)) {
      // It missed our PUBREC: the same message again is not another one (MQTT-4.3.3-2).
      core.store.stored(() => this.#connection.ack("pubrec", packetId));
      return;
    }
    if (packet.qos !== 0) this.#checkQuota(packet.qos);
    if (this.#rate !== undefined && !this.#rate.take(core.now())) this.#connection.pause(PAUSED.rate);
    if (place.refusal !== 0) this.#refused(packet.qos, packetId, place.refusal);
    else this.#take(this.#publicationOf(packet, place.topic), packet.qos, packetId);
  }

  /** PUBREL (MQTT-4.3.3-2). PUBCOMP goes out once it is stored: the client may use the packet id for another message then. */
  release(packetId: number): void {
    this.#session.complete(packetId);
    this.#core.store.stored(() => this.#connection.ack("pubcomp", packetId));
  }

  taken(packetId: number, refusal?: unknown): void {
    if (refusal === undefined) this.#connection.ack("pubrec", packetId);
    else this.#cannot(2, packetId, refusal);
  }

  sweep(now: number): void {
    if (this.#rate?.refill(now) === true) this.#connection.resume(PAUSED.rate);
  }

  /** Permissions changed. */
  forget(): void {
    this.#places = new Map();
  }

  close(): void {
    this.#closed = true;
  }

  #publicationOf({ payload, retain, qos, properties }: PublishPacket, topic: string): Publication {
    const { clientId } = this.#session;
    const routed = publishedQos(this.#policy, qos);
    if (properties === undefined) return { topic, payload, qos: routed, retain, clientId };
    const { messageExpiryInterval } = properties;
    return {
      topic,
      payload,
      qos: routed,
      retain,
      clientId,
      properties: forwarded(properties),
      messageExpiry: messageExpiryInterval === undefined ? undefined : this.#core.now() + messageExpiryInterval * 1000,
    };
  }

  #take(publication: Publication, qos: 0 | 1 | 2, packetId: number): void {
    if (qos === 1) this.#unacknowledged++;
    if (qos === 2) this.#session.taking.set(packetId, this);
    const admission = this.#admit(publication);
    if (admission === undefined && this.#first === this.#pending.length) this.#route(publication, qos, packetId);
    else this.#hold({ publication, packetId, qos, admitted: admission === undefined, refused: undefined }, admission);
  }

  #admit(publication: Publication): Promise<unknown> | undefined {
    return this.#core.admit(publication, this.#session.clientId);
  }

  #hold(pending: Pending, admission: Promise<unknown> | undefined): void {
    this.#pending.push(pending);
    this.#pendingBytes += pending.publication.payload.length;
    if (this.#pending.length - this.#first >= MOST_PENDING || this.#pendingBytes >= MOST_PENDING_BYTES)
      this.#connection.pause(PAUSED.admission);
    admission?.then(
      () => {
        pending.admitted = true;
        this.#advance();
      },
      (error: unknown) => {
        pending.admitted = true;
        pending.refused = error instanceof Error ? error : new Error(String(error));
        this.#advance();
      },
    );
  }

  #advance(): void {
    for (;;) {
      const pending = this.#pending[this.#first];
      if (pending?.admitted !== true) break;
      this.#first++;
      this.#pendingBytes -= pending.publication.payload.length;
      if (pending.refused === undefined) this.#route(pending.publication, pending.qos, pending.packetId);
      else this.#notAdmitted(pending);
    }
    if (this.#first * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#first);
      this.#first = 0;
    }
    const few = this.#pending.length - this.#first < MOST_PENDING / 2 && this.#pendingBytes < MOST_PENDING_BYTES / 2;
    if (few) this.#connection.resume(PAUSED.admission);
  }

  #route(publication: Publication, qos: 0 | 1 | 2, packetId: number): void {
    const { publish, pressure, store } = this.#core;
    const wanted = publish(publication);
    pressure.charge(this.#connection);
    if (qos === 0) return;
    if (qos === 2) this.#session.receive(packetId);
    store.stored((error) => {
      const taker = this.#settled(qos, packetId);
      if (qos === 2) taker.taken(packetId, error);
      else if (error !== undefined) this.#cannot(qos, packetId, error);
      else this.#connection.ack("puback", packetId, wanted ? 0 : NO_SUBSCRIBERS);
    });
  }

  /** It is not on its way any more. Who answers it. */
  #settled(qos: 0 | 1 | 2, packetId: number): Taker {
    const taker = qos === 2 ? this.#session.taking.get(packetId) : undefined;
    if (qos === 1) this.#unacknowledged--;
    if (qos === 2) this.#session.taking.delete(packetId);
    if ((this.#unacknowledged + this.#session.taking.size) * 2 < this.#core.limits.receiveMaximum)
      this.#connection.resume(PAUSED.answers);
    return taker ?? this;
  }

  #notAdmitted({ publication, packetId, qos, refused }: Pending): void {
    const taker = this.#settled(qos, packetId);
    const { clientId } = this.#session;
    const message = `a publish of client ${clientId} to ${publication.topic} was refused: ${messageOf(refused)}`;
    this.#core.journal({ level: "warn", event: "publish_refused", at: "broker", message });
    if (qos === 2) taker.taken(packetId, refused);
    else this.#cannot(qos, packetId, refused);
  }

  /** It was not taken: the client is to keep it. Before MQTT 5 there is no other way to say so than to close (MQTT-3.3.5-2). */
  #cannot(qos: 0 | 1 | 2, packetId: number, why: unknown): void {
    if (this.#closed) return;
    if (qos === 2) this.#session.complete(packetId);
    if (this.#version !== 5) this.#connection.end("error", `a message was not taken: ${messageOf(why)}`);
    else if (qos !== 0) this.#connection.ack(qos === 1 ? "puback" : "pubrec", packetId, QUOTA_EXCEEDED);
  }

  /** It may not publish there. As other brokers do, an older client is acknowledged: it would send the same for ever otherwise. */
  #refused(qos: 0 | 1 | 2, packetId: number, code: number): void {
    if (qos === 0) return;
    this.#core.store.stored(() => this.#connection.ack(qos === 1 ? "puback" : "pubrec", packetId, code));
  }

  /** Before MQTT 5 a client does not know the limit: it is read from later instead. */
  #checkQuota(qos: 1 | 2): void {
    const { received, taking } = this.#session;
    const { receiveMaximum } = this.#core.limits;
    if (this.#unacknowledged + taking.size >= receiveMaximum) this.#connection.pause(PAUSED.answers);
    if (this.#version !== 5 || qos !== 2 || taking.size + received.size < receiveMaximum) return;
    throw new MqttError(
      "PROTOCOL_ERROR",
      `more than ${receiveMaximum} messages on their way [MQTT-3.3.4-7]`,
      RECEIVE_MAXIMUM_EXCEEDED,
    );
  }

  #look(name: string): Place {
    const fault = topicFault(name, this.#core.limits.topicLevels);
    if (fault !== undefined) throw new MqttError("MALFORMED", fault);
    const place = placeOf(this.#core, this.#session.identity, name);
    if (this.#places.size >= KNOWN_TOPICS) this.#places = new Map();
    if (name.length <= LONGEST_KNOWN) this.#places.set(name, place);
    return place;
  }
}

/** What a receiver gets of them, in their order. Undefined where it gets none. Copies what would pin the chunk it came in. */
export function forwarded(properties: PublishProperties): ForwardedProperties | undefined {
  const { topicAlias: _alias, subscriptionIdentifiers: _ids, messageExpiryInterval: _life, ...rest } = properties;
  if (Object.keys(rest).length === 0) return undefined;
  const { correlationData } = rest;
  return correlationData === undefined ? rest : { ...rest, correlationData: new Uint8Array(correlationData) };
}
