import type { Feed } from "./feed.js";
import type { Pace } from "./pace.js";
import type { Parcel } from "./parcel.js";
import type { SessionStore } from "./session.js";

export interface OutgoingOptions {
  /** The one that overtakes first. */
  readonly feeds: readonly Feed[];
  /** PUBLISH packets that may be unacknowledged at once. */
  readonly window: number;
  /** Sequences beyond what is settled that may be on their way: as many come again after a crash, at most. */
  readonly span: number;
  /** The most topic aliases to use. */
  readonly topicAliases: number;
  readonly store: SessionStore;
  /** Of lane 0. */
  readonly pace: Pace;
  readonly idOf: ((parcel: Parcel) => string) | undefined;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** ms from any fixed start. */
  readonly ticks: () => number;
  readonly events: OutgoingEvents;
}

export interface OutgoingEvents {
  /** It goes up for the first time in this life. */
  begun(parcel: Parcel): void;
  /** The upstream will never take it. It is given up once this has resolved; it never rejects. */
  refused(parcel: Parcel, why: string): Promise<void>;
  /** QoS 0, on their way when the connection was lost. */
  lost(count: number): void;
  /** The upstream has forgotten the session: so many are sent again that it may have. */
  sessionLost(again: number): void;
  /** Something left the outbox for good. */
  settled(): void;
}
