import type { Range } from "./session.js";

/** Whether one of the ranges, in order and apart from each other, holds the sequence. */
export function inRanges(ranges: readonly Range[], sequence: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.last ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found.first <= sequence;
}
