import type { Lane } from "./session.js";

/** Sequences of one lane that can be on their way at once without two having the same packet id. */
export const SPAN = 32_760;

/**
 * The packet id of what begins with this sequence: 1 to 65,520, odd in lane 0 and even in lane 1. It follows from the
 * sequence alone, which is the same after a crash, so that a message goes again under the id that it went under before, and
 * the upstream knows it (MQTT-4.4.0-1): no file has to remember packet ids.
 */
export function packetIdOf(lane: Lane, sequence: number): number {
  return 1 + lane + 2 * (sequence % SPAN);
}

/** Above all of those: one SUBSCRIBE is under way at a time. */
export const SUBSCRIBE_ID = 65_535;
