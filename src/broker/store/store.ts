import type { Qos } from "../../core/message.js";
import type { Publication } from "../publication.js";

/** A subscription as it is kept. `filter` as the client wrote it, `$share/...` included. */
export interface StoredSubscription {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier?: number | undefined;
}

/** A message that waits for a client, or is on its way to it. Never QoS 0. */
export interface QueueEntry {
  /** From 0 on in each session, without gaps when they are made: its packet id follows from it. */
  readonly sequence: number;
  readonly publication: Publication;
  /** The QoS with which it goes out: the lower one of the message's and the subscription's. */
  readonly qos: 1 | 2;
  /** As it goes out. */
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
}

export interface StoredWill {
  readonly publication: Publication;
  /** Seconds between the end of the connection and the will (MQTT 5 3.1.3.2.2). */
  readonly delay: number;
}

export interface SessionTerms {
  /** Whose it is; undefined: anonymous. Nobody else takes it over. */
  readonly user?: string | undefined;
  /** The listener that its client came through last: what it may have depends on it. */
  readonly listener: string;
  /** Seconds that it outlives its connection; 4,294,967,295: for ever (MQTT 5 3.1.2.11.2). 0: it is kept for its will alone. */
  readonly expiry: number;
  /** Until the connection ends as it should. Survives a crash: then it is published at the next start. */
  readonly will?: StoredWill | undefined;
  /** When its connection ended, ms since the Unix epoch; undefined while it is there. */
  readonly disconnected?: number | undefined;
  /** Below this sequence messages may have gone out; undefined: any may. Known while there is no connection. */
  readonly sent?: number | undefined;
}

export interface StoredSession extends SessionTerms {
  readonly clientId: string;
  readonly subscriptions: readonly StoredSubscription[];
  /** In order of their sequence. `released`: PUBREC has come, PUBREL goes next. */
  readonly queue: readonly (QueueEntry & { readonly released: boolean })[];
  /** Of the next entry. Never one that was given before. */
  readonly nextSequence: number;
  /** Packet ids of QoS 2 messages of the client that were taken and not yet released by it. */
  readonly received: readonly number[];
}

/**
 * What is alive, for a snapshot of it. Iterated a part at a time, in several turns of the event loop, while it changes: what is
 * there from the beginning to the end of an iteration must come, what comes or goes meanwhile may. A Map's and a Set's own
 * iterators do that. A change and its call of the store belong into one turn.
 */
export interface LiveState {
  /** Those that are stored. */
  sessions(): Iterable<LiveSession>;
  retained(): Iterable<Publication>;
}

/** A session as it is, not a copy: its lists are iterated when it is its turn, the queue in several turns. */
export interface LiveSession extends SessionTerms {
  readonly clientId: string;
  readonly subscriptions: Iterable<StoredSubscription>;
  /** In order of their sequence. */
  readonly queue: Iterable<QueueEntry & { readonly released: boolean }>;
  readonly nextSequence: number;
  readonly received: Iterable<number>;
}

/**
 * What of the broker survives a crash: durable sessions and retained messages. Every method records and returns at once;
 * what was recorded before `stored` is on the medium when that calls back.
 */
export interface Store {
  /** What was there at the start; empty afterwards, so that it is held once. No snapshot is taken before it was called. */
  takeRecovered(): { readonly sessions: readonly StoredSession[]; readonly retained: readonly Publication[] };
  /** A session begins, or its terms change. */
  putSession(clientId: string, terms: SessionTerms): void;
  /** With all that belongs to it. */
  dropSession(clientId: string): void;
  putSubscription(clientId: string, subscription: StoredSubscription): void;
  dropSubscription(clientId: string, filter: string): void;
  /** The same publication for many clients in a row is written once. */
  enqueue(clientId: string, entry: QueueEntry): void;
  /** PUBREC has come. */
  released(clientId: string, sequence: number): void;
  /** It is done with: acknowledged, expired or dropped. */
  settled(clientId: string, sequence: number): void;
  /** A QoS 2 message of the client was taken. */
  received(clientId: string, packetId: number): void;
  /** PUBREL has come for it. */
  completed(clientId: string, packetId: number): void;
  /** Keeps the message as the topic's latest; with an empty payload none (MQTT-3.3.1-6, -7). */
  retain(publication: Publication): void;
  /**
   * Calls back once all that was recorded is stored: at once where it is, or with why it could not be. In order. `done` must not
   * throw. What could not be stored is not lost: it is tried again, and what is recorded meanwhile comes along.
   */
  stored(done: (error?: Error) => void): void;
  close(): Promise<void>;
}
