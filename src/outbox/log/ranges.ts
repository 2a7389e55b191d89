/** Sequences from `first` to `last`, both of them. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The ranges with one more: in order, apart from each other. */
export function withRange(ranges: readonly Range[], range: Range): Range[] {
  if (range.last < range.first) return [...ranges];
  const merged: Range[] = [];
  for (const next of [...ranges, range].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || next.first > before.last + 1) merged.push(next);
    else merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, next.last) };
  }
  return merged;
}

/** What of `range` is in none of `ranges`, which are in order. */
export function outside(range: Range, ranges: readonly Range[]): Range[] {
  const left: Range[] = [];
  let first = range.first;
  for (const { first: from, last: to } of ranges) {
    if (to < first) continue;
    if (from > range.last) break;
    if (from > first) left.push({ first, last: from - 1 });
    first = to + 1;
  }
  if (first <= range.last) left.push({ first, last: range.last });
  return left;
}

export function lengthOf({ first, last }: Range): number {
  return last - first + 1;
}
