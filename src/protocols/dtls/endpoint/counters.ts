import type { CloseReason, RecordOutcome } from "../connection.js";
import type { RecordFault } from "../record/index.js";

/** What became of a record: exactly one of these for each. */
export type Outcome =
  | RecordOutcome
  /** A first hello, or one whose cookie is too old: answered with a cookie. */
  | "cookie_sent"
  /** A hello with its cookie: a handshake began. */
  | "hello_accepted"
  /** A first hello in pieces: only a server with a memory could put it together. */
  | "hello_fragmented"
  /**
   * There are as many handshakes with its address as there may be, or one of ours that goes on (RFC 6347 knows no simultaneous open), or something
   * in its datagram was answered already.
   */
  | "hello_refused"
  /** Nobody is let in. */
  | "hello_ignored"
  /** A connection id that we did not give out, or whose session is over. */
  | "unknown_cid"
  /** From an address with which there is no session. */
  | "unknown_address";

export type EndReason =
  | CloseReason["kind"]
  /** A new session of the same peer came in its place. */
  | "replaced"
  | "idle"
  /** There were too many. */
  | "evicted";

/** All since the start. */
export interface Counters {
  datagrams: number;
  /** Datagrams that were not read to their end. Those to a group are not read at all. */
  readonly unread: Record<RecordFault | "multicast", number>;
  records: Record<Outcome, number>;
  /** Handshakes that were completed; the second of them among the first. */
  opened: number;
  resumed: number;
  /** Handshakes that were not. */
  readonly failed: Record<EndReason, number>;
  /** Sessions that were open before. */
  readonly ended: Record<EndReason, number>;
  /** How often a session went on from another address (RFC 9146 6). */
  moved: number;
}

export function newCounters(): Counters {
  return {
    datagrams: 0,
    unread: { truncated: 0, version: 0, too_long: 0, multicast: 0 },
    records: {
      accepted: 0,
      held: 0,
      overflow: 0,
      duplicate: 0,
      ignored: 0,
      malformed: 0,
      replayed: 0,
      forged: 0,
      cookie_sent: 0,
      hello_accepted: 0,
      hello_fragmented: 0,
      hello_refused: 0,
      hello_ignored: 0,
      unknown_cid: 0,
      unknown_address: 0,
    },
    opened: 0,
    resumed: 0,
    failed: reasons(),
    ended: reasons(),
    moved: 0,
  };
}

function reasons(): Record<EndReason, number> {
  return {
    closed: 0,
    peer_closed: 0,
    alert: 0,
    refused: 0,
    timeout: 0,
    undecryptable: 0,
    exhausted: 0,
    replaced: 0,
    idle: 0,
    evicted: 0,
  };
}
