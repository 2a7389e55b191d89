import { explain } from "./explanations.js";
import type { Outcome, Part } from "./verdict.js";

export interface Report {
  readonly broker: string;
  /** Of each suite that was run, what was checked out. */
  readonly versions: readonly string[];
  readonly outcomes: readonly Outcome[];
}

type Explanations = Readonly<Record<string, string>>;

interface Count {
  readonly pass: number;
  readonly fail: number;
  readonly left: number;
}

/** One line a test, as it ends. */
export function line({ suite, test, verdict, why, parts, seconds }: Outcome): string {
  const counted = parts === undefined ? "" : ` (${parts.total - parts.failed.length} of ${parts.total} parts pass)`;
  return `${verdict.padEnd(8)}  ${suite}  ${test}${counted}  ${seconds.toFixed(1)} s${why === undefined ? "" : `\n          ${why}`}`;
}

export function summary({ broker, versions, outcomes }: Report): string {
  const rows = counts(outcomes).map(
    ([suite, { pass, fail, left }]) => `${suite.padEnd(14)} ${pass} of ${pass + fail} pass, ${left} left out`,
  );
  return [`broker: ${broker}`, ...versions, ...rows].join("\n");
}

/** Failures, and failed parts, that nothing explains: one name each. */
export function unexplained(outcomes: readonly Outcome[], explanations: Explanations): string[] {
  return outcomes
    .filter(({ verdict }) => verdict === "fail")
    .flatMap(({ test, parts }) => {
      if (explain(explanations, test) !== undefined) return [];
      if (parts === undefined || parts.failed.length === 0) return [test];
      return parts.failed
        .filter(({ name }) => explain(explanations, test, name) === undefined)
        .map(({ name }) => `${test}: ${name}`);
    });
}

/** Explanations of what was run and does not fail: they are out of date. */
export function stale(outcomes: readonly Outcome[], explanations: Explanations): string[] {
  const run = outcomes.filter(({ verdict }) => verdict !== "left out");
  const names = run.flatMap(({ test, verdict, parts }) =>
    verdict === "fail" ? [test, ...(parts?.failed ?? []).map(({ name }) => `${test}: ${name}`)] : [],
  );
  return Object.keys(explanations).filter((key) => {
    const beginning = key.endsWith("*") ? key.slice(0, -1) : undefined;
    const matches = (name: string): boolean => name === key || (beginning !== undefined && name.startsWith(beginning));
    return run.some(({ test }) => matches(test) || key.startsWith(`${test}: `)) && !names.some(matches);
  });
}

export function jsonLine(report: Report): string {
  return JSON.stringify(report);
}

export function markdown({ broker, versions, outcomes }: Report, explanations: Explanations): string {
  const suites = [...new Set(outcomes.map(({ suite }) => suite))];
  const lines = [
    `Broker: ${broker}`,
    "",
    ...versions.map((version) => `- ${version}`),
    "",
    "| suite | pass | fail | left out |",
    "|---|---|---|---|",
    ...counts(outcomes).map(([suite, { pass, fail, left }]) => `| ${suite} | ${pass} | ${fail} | ${left} |`),
  ];
  for (const suite of suites) {
    const own = outcomes.filter((outcome) => outcome.suite === suite);
    lines.push("", `### ${suite}`, "", "| test | result | why |", "|---|---|---|");
    for (const outcome of own) if (outcome.verdict !== "left out") lines.push(...rowsOf(outcome, explanations));
    const left = own.filter(({ verdict }) => verdict === "left out");
    for (const [why, tests] of together(left, (outcome) => outcome.why ?? ""))
      lines.push(row(tests.map(({ test }) => test).join(" "), "left out", why));
  }
  return `${lines.join("\n")}\n`;
}

/** The test, and below it what of it fails. */
function rowsOf({ test, verdict, why, parts }: Outcome, explanations: Explanations): string[] {
  const explained = verdict === "fail" ? explain(explanations, test) : undefined;
  const counted = parts === undefined ? "" : ` (${parts.total - parts.failed.length} of ${parts.total})`;
  const rows = [row(test, `${verdict}${counted}`, explained ?? why ?? "")];
  if (explained !== undefined || parts === undefined) return rows;
  const reasonOf = ({ name, why }: Part): string => explain(explanations, test, name) ?? `not explained: ${why}`;
  for (const [reason, group] of together(parts.failed, reasonOf))
    rows.push(row(group.map(({ name }) => name).join("; "), "fail", reason));
  return rows;
}

function together<T>(all: readonly T[], reasonOf: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const reason = reasonOf(one);
    groups.set(reason, [...(groups.get(reason) ?? []), one]);
  }
  return [...groups];
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/[|\\]/g, "\\$&").replace(/\s+/g, " ")).join(" | ")} |`;
}

function counts(outcomes: readonly Outcome[]): [string, Count][] {
  const all = new Map<string, Count>();
  for (const { suite, verdict } of outcomes) {
    const { pass, fail, left } = all.get(suite) ?? { pass: 0, fail: 0, left: 0 };
    all.set(suite, {
      pass: pass + (verdict === "pass" ? 1 : 0),
      fail: fail + (verdict === "fail" ? 1 : 0),
      left: left + (verdict === "left out" ? 1 : 0),
    });
  }
  return [...all];
}
