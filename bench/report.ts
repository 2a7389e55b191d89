/** One measured case. `ratio` is weir / peer; null where there is no peer to compare with, or it is not installed. */
export interface Row {
  /** What was measured, and its unit. */
  readonly case: string;
  readonly weir: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  /** Peers beside the first one. */
  readonly others?: readonly Other[];
  /** How far the runs lie apart, in percent of their median: of weir, of the peer, of the others. Of more than one run only. */
  readonly spread?: readonly number[];
  /** What is aimed at. */
  readonly target?: string;
  /** What a reader must know before he believes the numbers. */
  readonly remarks?: string;
}

/** A further peer. `ratio` is weir / value. */
export interface Other {
  readonly name: string;
  readonly value: number;
  readonly ratio: number | null;
}

export interface BenchOptions {
  /** Sizes that take many minutes, where a benchmark has such. */
  readonly full: boolean;
  /** Measures only the parts whose names begin so. */
  readonly only?: string;
}

/** A benchmark: measures, and says on the way what it does. */
export interface Bench {
  /** One line for the list of benchmarks. */
  readonly about: string;
  /** The names of its parts, where it can measure them alone. */
  readonly parts?: readonly string[];
  run(say: (line: string) => void, options: BenchOptions): Promise<Row[]>;
}

/** A row of the medians of paired runs. An empty `peer` gives a row without one. */
export function row(name: string, weir: readonly number[], peer: readonly number[] = []): Row {
  const ours = round(median(weir));
  if (peer.length === 0) return { case: name, weir: ours, peer: null, ratio: null };
  const theirs = median(peer);
  return { case: name, weir: ours, peer: round(theirs), ratio: theirs === 0 ? null : round(median(weir) / theirs) };
}

/** The same with all that a comparison with several peers has. The first one is the peer of the row. */
export function comparison(
  name: string,
  weir: readonly number[],
  peers: readonly { readonly name: string; readonly values: readonly number[] }[],
  target = "",
  remarks = "",
): Row {
  const [first, ...others] = peers;
  return {
    ...row(name, weir, first?.values),
    others: others.map((other) => {
      const { peer, ratio } = row(name, weir, other.values);
      return { name: other.name, value: peer ?? 0, ratio };
    }),
    ...(weir.length > 1 ? { spread: [weir, ...peers.map(({ values }) => values)].map(spread) } : {}),
    ...(target === "" ? {} : { target }),
    ...(remarks === "" ? {} : { remarks }),
  };
}

/** The middle value, or the mean of the two in the middle. Throws a RangeError when there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined) throw new RangeError("a median needs at least one value");
  return (low + high) / 2;
}

/** How far they lie apart: from the least to the most, in whole percent of the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : Math.round(((Math.max(...values) - Math.min(...values)) / middle) * 100);
}

/** The rows as text columns, for people. Columns that no row has are left out. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ others = [] }) => others.map(({ name }) => name)))];
  const numbers = [
    ["weir", "peer", "weir/peer", ...names.flatMap((name) => [name, `weir/${name}`])],
    ...rows.map((each) => [each.weir, each.peer, each.ratio, ...names.flatMap((name) => pairOf(each, name))].map(show)),
  ];
  const texts = [
    ["spread, %", "target", "remarks"],
    ...rows.map((each) => [each.spread?.join("/") ?? "", each.target ?? "", each.remarks ?? ""]),
  ];
  const used = [0, 1, 2].filter((column) => texts.slice(1).some((line) => line[column] !== ""));
  const columns = [
    aligned(["case", ...rows.map((each) => each.case)], "left"),
    ...transposed(numbers).map((cells) => aligned(cells, "right")),
    ...used.map((column) => aligned(transposed(texts)[column] ?? [], "left")),
  ];
  return transposed(columns)
    .map((line) => line.join("  ").trimEnd())
    .join("\n");
}

function pairOf(each: Row, name: string): (number | null)[] {
  const other = each.others?.find((one) => one.name === name);
  return [other?.value ?? null, other?.ratio ?? null];
}

function show(value: number | null): string {
  return value === null ? "-" : String(value);
}

function aligned(cells: readonly string[], side: "left" | "right"): string[] {
  const width = Math.max(...cells.map((cell) => cell.length));
  return cells.map((cell) => (side === "left" ? cell.padEnd(width) : cell.padStart(width)));
}

function transposed(lines: readonly (readonly string[])[]): string[][] {
  return (lines[0] ?? []).map((_, column) => lines.map((line) => line[column] ?? ""));
}

/** The last line of a run with --json. */
export function jsonLine(bench: string, rows: readonly Row[]): string {
  return JSON.stringify({ bench, rows });
}

/** Three significant digits: more would pretend. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
