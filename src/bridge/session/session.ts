import type { Range } from "../../outbox/log/ranges.js";

export type { Range };

/** 0 for normal messages, 1 for those of high priority: an outbox each, with sequences of its own. */
export type Lane = 0 | 1;

/** What a bridge has to know of its sessions after a crash. */
export interface SessionState {
  /** Nothing was known: it is the first time, the outboxes are others, or the file could not be read. */
  readonly fresh: boolean;
  /** Of each lane, QoS 2 messages whose PUBREC came: they get PUBREL only. In order and apart from each other. */
  readonly handedOver: readonly [readonly Range[], readonly Range[]];
  /** Messages of lane 0 that go as one PUBLISH. In order. The first of a parcel may be settled already, the last is not. */
  readonly parcels: readonly Range[];
  /** Packet ids of inbound QoS 2 messages between our PUBREC and our PUBCOMP. */
  readonly received: ReadonlySet<number>;
  readonly servers: Servers;
}

export interface Servers {
  /** Where our session is; undefined for nowhere. Servers are named as by `sessionName` (continuity.ts). */
  readonly home: string | undefined;
  /** Those that hold no stale session of ours. */
  readonly clean: readonly string[];
}

/**
 * Something to be kept, and until when its consequence waits for that:
 * - `handedOver`: PUBREC came; before PUBREL. What is not noted is sent again under its old id, which the receiver still knows;
 * - `parcel`: before its first PUBLISH, so that after a crash the same messages go under the same id;
 * - `received`: before our PUBREC;
 * - `completed`: before our PUBCOMP. From then on the far side may use the id for another message, which would pass for this one;
 * - `reset`: the upstream has a new session, so `handedOver` and `received` are forgotten; before it is used. Parcels stay: what
 *   belongs together goes again under one id;
 * - `servers`: replaces what was known of them.
 */
export type Change =
  | { readonly kind: "handedOver"; readonly lane: Lane; readonly first: number; readonly last: number }
  | { readonly kind: "parcel"; readonly first: number; readonly last: number }
  | { readonly kind: "received"; readonly id: number }
  | { readonly kind: "completed"; readonly id: number }
  | { readonly kind: "reset" }
  | ({ readonly kind: "servers" } & Servers);

export interface SessionStore {
  /** As it was on opening; what is recorded later does not show in it. */
  readonly recovered: SessionState;
  /**
   * Resolves once the changes are as safe as the store makes them: after a crash all of one call are there, or none. What the disk
   * does not take is reported once and kept in memory until it does, and counts as recorded meanwhile. Rejects only with CLOSED
   * once the store closes, when nothing may follow from the change any more, and with a RangeError for what no session can hold
   * (`checkChange`).
   */
  record(changes: readonly Change[]): Promise<void>;
  /**
   * All sequences of the lane up to this one are done, and the outbox's cursor on disk says so: what is noted about them may be
   * forgotten. Told earlier, a crash brings back messages that are not known to be handed over, and they arrive twice. Costs
   * nothing by itself.
   */
  settled(lane: Lane, sequence: number): void;
  /** Resolves once all that was recorded is stored, if it can be. Never rejects. */
  close(): Promise<void>;
}
