import type { Qos } from "./message.js";

/** Who a client says it is that comes by another protocol than MQTT, and what its link proves. All but `proven` is hostile. */
export interface PubSubCredentials {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** The link it came through, by its name. */
  readonly link: string;
  /** An IP address. */
  readonly address: string;
  /** The user that a key or certificate of the link proved. */
  readonly proven: string | undefined;
}

/** Why somebody is not let in. `busy`: it may come again. `client_id`: another user has it, or it cannot be one. */
export type PubSubRefusal = "bad_credentials" | "not_authorized" | "busy" | "client_id";

export interface PubSubPublication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Seconds after which it is worth nothing any more. */
  readonly expiry: number | undefined;
}

/** `invalid`: no topic that can be published to. `too_fast`: beyond the client's rate; it may come again. */
export type PublishOutcome = "published" | "forbidden" | "invalid" | "too_large" | "too_fast";

export interface PubSubMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  /** It was retained before the subscription. */
  readonly retain: boolean;
}

export interface PubSubSubscription {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  /** Retained messages come: 0 with each subscribing, 1 with the first to that filter, 2 never (MQTT 5 3.8.3.1). */
  readonly retainHandling: 0 | 1 | 2;
}

export type SubscribeRefusal = "forbidden" | "invalid" | "too_many";

/** Who gets what comes for one subscription. */
export interface Receiver {
  /** Resolves once the next may come: whether it may have arrived. Until then what comes waits, as much as `broker.queue` says. */
  deliver(message: PubSubMessage): Promise<boolean>;
  /** The client may not subscribe to that any more: nothing comes from now on. */
  revoked(): void;
}

/** Why a session ended though nobody disconnected it. */
export type SessionEnd = "taken_over" | "revoked" | "stopping";

/** A client that was let in. It is not told of a change of its rights: it is asked for again with each request, or has a session. */
export interface PubSubClient {
  readonly clientId: string;
  /** Undefined: anonymous. */
  readonly user: string | undefined;
  /**
   * Resolves once it may be acknowledged to the client. Rejects with a WeirError where it was not taken: OUTBOX_FULL,
   * OUTBOX_UNAVAILABLE, STORE_UNAVAILABLE, CLOSED.
   */
  publish(publication: PubSubPublication): Promise<PublishOutcome>;
  /** The retained message of a topic; undefined where there is none. */
  retained(topic: string): PubSubMessage | undefined | "forbidden" | "invalid";
  /** Why it may not subscribe; undefined where it may. */
  refusal(filter: string): SubscribeRefusal | undefined;
  /** As MQTT's CONNECT with Clean Start: from now on the client id is its own, and an older session of it ends. Never rejects. */
  connect(ended: (why: SessionEnd) => void): Promise<PubSubSession | PubSubRefusal>;
}

/** Lasts until it is disconnected or `ended` was called. */
export interface PubSubSession {
  readonly client: PubSubClient;
  /** One to the same filter is replaced. Undefined: it is there. */
  subscribe(subscription: PubSubSubscription, receiver: Receiver): SubscribeRefusal | undefined;
  /** False where there was none. */
  unsubscribe(filter: string): boolean;
  /** `ended` is not called for this. */
  disconnect(): void;
}

/**
 * The broker for clients of other protocols: users, access rules, limits, policies and rewrite rules hold for them as for MQTT
 * clients, and what they publish goes the same way.
 */
export interface PubSub {
  /** Never rejects. */
  admit(credentials: PubSubCredentials): Promise<PubSubClient | PubSubRefusal>;
}
