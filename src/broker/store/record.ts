/**
 * A record is a byte that says its kind, then its fields (bytes.ts):
 *
 *   publication   number, publication
 *   session       client, expiry, flags, listener, [user], [when it was disconnected], [sent], [will: delay, publication]
 *   dropped       client
 *   subscription  client, filter, flags, [identifier]
 *   unsubscribed  client, filter
 *   entry         client, sequence, number of the publication, flags, [how many identifiers, each of them]
 *   released      client, sequence
 *   settled       client, sequence
 *   received      client, packet id
 *   completed     client, packet id
 *   retained      number of the publication
 *   cleared       topic
 *   next          client, the sequence of its next entry
 *   end           how many entries there are: the last record of a snapshot
 *
 * A client is a number, from 0 on in each frame in the order of their first mention, which is followed by its id. Publications are
 * numbered anew in each frame of a segment, in a snapshot all through it.
 */
export const KIND = {
  publication: 1,
  session: 2,
  dropped: 3,
  subscription: 4,
  unsubscribed: 5,
  entry: 6,
  released: 7,
  settled: 8,
  received: 9,
  completed: 10,
  retained: 11,
  cleared: 12,
  next: 13,
  end: 14,
} as const;

/** Flags of a session. */
export const DISCONNECTED = 1;
export const WILL = 2;
export const OWNED = 4;
export const SENT = 8;

/** Flags of a subscription and of an entry, beside the QoS. */
export const QOS = 3;
export const NO_LOCAL = 4;
export const AS_PUBLISHED = 8;
export const IDENTIFIED = 16;
export const RETAIN = 4;
export const RELEASED = 8;
