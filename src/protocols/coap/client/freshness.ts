/** What is known of the order of notifications: the number of the newest one, and when it came, in ms. */
export interface Sequence {
  readonly number: number;
  readonly at: number;
}

/** Numbers of 24 bits are compared as on a circle; after so many ms the circle may have been gone round (RFC 7641 3.4). */
const HALF = 2 ** 23;
const FORGOTTEN = 128_000;

/** A notification is newer than the newest one before, though it may have overtaken it on the way (RFC 7641 3.4). */
export function isFresh(newest: Sequence | undefined, { number, at }: Sequence): boolean {
  if (newest === undefined) return true;
  const { number: before } = newest;
  return (
    (before < number && number - before < HALF) ||
    (before > number && before - number > HALF) ||
    at > newest.at + FORGOTTEN
  );
}
