import type { Entry, Journal } from "../../../src/core/journal.js";
import type { Reading } from "../../../src/core/reading.js";

export const EPOCH = Date.UTC(2026, 10, 23, 12);

export function reading(device: string, value: Reading["value"], time: number): Reading {
  return { device, resource: "t", value, time, quality: "good" };
}

/** Keeps what was told. */
export function notes(): { journal: Journal; entries: Entry[]; count(event: string): number } {
  const entries: Entry[] = [];
  return {
    journal: (entry) => void entries.push(entry),
    entries,
    count: (event) =>
      entries.filter((entry) => entry.event === event).reduce((sum, entry) => sum + (entry.count ?? 1), 0),
  };
}

/** A clock as the hold sees it, moved by hand: `wall` is `ticks` plus `offset`. */
export function handClock() {
  let release = (): void => {};
  const clock = {
    ticks: 0,
    wrong: EPOCH - 86_400_000,
    isSet: false,
    gaveUp: false,
    wasSet: false,
    holding: () => !clock.isSet && !clock.gaveUp,
    trusted: () => clock.isSet,
    offset: () => (clock.isSet ? EPOCH : clock.wrong),
    onRelease: (listener: () => void) => {
      release = listener;
    },
    set: () => {
      clock.isSet = true;
      release();
    },
    giveUp: () => {
      clock.gaveUp = true;
      release();
    },
  };
  return clock;
}
