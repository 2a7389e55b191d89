/** One measured case. `ratio` is weir / peer; null where there is no peer to compare with, or it is not installed. */
export interface Row {
  /** What was measured, and its unit. */
  readonly case: string;
  readonly weir: number;
  readonly peer: number | null;
  readonly ratio: number | null;
}

export interface BenchOptions {
  /** Sizes that take many minutes, where a benchmark has such. */
  readonly full: boolean;
}

/** A benchmark: measures, and says on the way what it does. */
export interface Bench {
  /** One line for the list of benchmarks. */
  readonly about: string;
  run(say: (line: string) => void, options: BenchOptions): Promise<Row[]>;
}

/** A row of the medians of paired runs. An empty `peer` gives a row without one. */
export function row(name: string, weir: readonly number[], peer: readonly number[] = []): Row {
  const ours = round(median(weir));
  if (peer.length === 0) return { case: name, weir: ours, peer: null, ratio: null };
  const theirs = median(peer);
  return { case: name, weir: ours, peer: round(theirs), ratio: theirs === 0 ? null : round(median(weir) / theirs) };
}

/** The middle value, or the mean of the two in the middle. Throws a RangeError when there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined) throw new RangeError("a median needs at least one value");
  return (low + high) / 2;
}

/** The rows as text columns, for people. */
export function table(rows: readonly Row[]): string {
  const show = (value: number | null): string => (value === null ? "-" : String(value));
  const lines = [
    ["case", "weir", "peer", "weir/peer"],
    ...rows.map((each) => [each.case, show(each.weir), show(each.peer), show(each.ratio)]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

/** The last line of a run with --json. */
export function jsonLine(bench: string, rows: readonly Row[]): string {
  return JSON.stringify({ bench, rows });
}

/** Three significant digits: more would pretend. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
