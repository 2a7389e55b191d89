import { add, broken, NOTHING, type Qos, type Tallies, type Tally } from "./compare.js";
import type { RunResult } from "./run.js";

/** All runs of one call. */
export interface Summary {
  readonly runs: number;
  readonly seed: number;
  readonly tallies: Tallies;
  /** How often each fault was done, by its name. */
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: Readonly<Record<string, number>>;
  readonly crashes: number;
  readonly undrained: number;
}

export function summarize(seed: number, results: readonly RunResult[]): Summary {
  const faults: Record<string, number> = {};
  const violations: Record<string, number> = {};
  let tallies: Tallies = { 0: NOTHING, 1: NOTHING, 2: NOTHING };
  for (const result of results) {
    tallies = add(tallies, result.tallies);
    for (const [name, count] of result.done) faults[name] = (faults[name] ?? 0) + count;
    for (const { kind } of result.violations) violations[kind] = (violations[kind] ?? 0) + 1;
  }
  return {
    runs: results.length,
    seed,
    tallies,
    faults,
    violations,
    crashes: results.reduce((sum, { crashes }) => sum + crashes, 0),
    undrained: results.filter(({ drained }) => !drained).length,
  };
}

/** Why the run is a failure, one sentence each; none where every promise was held. `once`: as `broken` takes it. */
export function failures(summary: Pick<Summary, "tallies" | "crashes" | "undrained">, once = true): string[] {
  const found = broken(summary.tallies, once);
  if (summary.crashes > 0) found.push(`the gateway ended by itself ${summary.crashes} times`);
  if (summary.undrained > 0) {
    found.push(
      `in ${summary.undrained} runs the patience was over first: what is missing may wait in the outbox still`,
    );
  }
  return found;
}

const COLUMNS = ["sent", "acknowledged", "received", "lost", "duplicated", "reordered", "strange"] as const;

/** For people. */
export function table(summary: Summary): string {
  const { tallies, faults, violations } = summary;
  const rows = ([0, 1, 2] as const).map((qos) => [
    `QoS ${qos}`,
    ...COLUMNS.map((column) =>
      qos === 0 && (column === "acknowledged" || column === "lost") ? "-" : `${tallies[qos][column]}`,
    ),
  ]);
  const all = [["", ...COLUMNS], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0))) ?? [];
  const lines = all.map((cells) => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
  return [
    ...lines,
    `faults done: ${counts(faults)}`,
    `violations of the standard seen by the upstream: ${counts(violations)}`,
  ].join("\n");
}

function counts(of: Readonly<Record<string, number>>): string {
  const parts = Object.entries(of)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** The last line of a run with --json. */
export function jsonLine({ runs, seed, tallies, faults, violations, crashes, undrained }: Summary): string {
  const of = (qos: Qos): Tally => tallies[qos];
  return JSON.stringify({ runs, seed, qos0: of(0), qos1: of(1), qos2: of(2), faults, violations, crashes, undrained });
}
