/**
 * The time scale of readings that are taken while the clock is not set: ms of the monotonic clock, laid where no real time is
 * (250,000 years before us). So the time itself says on which scale it is, wherever the reading is by then and whatever it
 * was made from (an age in SenML counts from it, RFC 8428 4.5.3). A time that the device gave is of our days and is never
 * touched. No mark has to travel with every reading, and one that was still waiting in an adapter when the clock was set is
 * dated as rightly as the others. Dates reach to -8.64e15 (ECMA-262 21.4.1.1), whole ms are exact to 2^53.
 */
import type { Reading } from "../core/reading.js";

const ORIGIN = -8e15;
/** How far from the origin a time still belongs to the scale: 20,000 years either way. */
const REACH = 6.4e14;

/** @param ticks ms of the monotonic clock */
export function provisionalTime(ticks: number): number {
  return ORIGIN + Math.round(ticks);
}

export function isProvisional(time: number): boolean {
  return time >= ORIGIN - REACH && time <= ORIGIN + REACH;
}

/**
 * The reading by the clock on the wall, where it is not yet.
 * @param offset the wall's ms since the Unix epoch less those of the monotonic clock
 * @param isSet false: the time is the best that is known, and not to be trusted
 */
export function dated(reading: Reading, offset: number, isSet: boolean): Reading {
  if (!isProvisional(reading.time)) return reading;
  const time = Math.round(reading.time - ORIGIN + offset);
  return { ...reading, time, quality: isSet || reading.quality !== "good" ? reading.quality : "uncertain" };
}
