/**
 * The packet id of a message follows from its sequence in the session: so a message that is sent again after a crash has the id
 * that it had (MQTT-4.4.0-1), and nothing of it needs to be stored. Unique as long as less than `SPAN` lie between the oldest
 * that is not done and the newest that is sent.
 */
export const SPAN = 65_535;

export function packetIdOf(sequence: number): number {
  return (sequence % SPAN) + 1;
}

/** The sequence from `oldest` on, within SPAN, that has this packet id. */
export function sequenceOf(packetId: number, oldest: number): number {
  return oldest + ((((packetId - 1 - (oldest % SPAN)) % SPAN) + SPAN) % SPAN);
}
