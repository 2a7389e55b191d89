import { WeirError } from "../core/errors.js";

export type Path = readonly (string | number)[];

/** One thing wrong with the configuration. Nothing in it quotes a secret. */
export interface ConfigProblem {
  /** Where to look: `weir.yaml:12:5`, `WEIR_BROKER__LISTENERS__0` or `--set devices.2.qos`. */
  readonly place: string;
  /** Line and column from 1 in the file; undefined for an override. */
  readonly line?: number;
  readonly column?: number;
  readonly path: Path;
  readonly message: string;
  readonly level: "error" | "warning";
}

/** A path as a key of maps. No key of a file has a NUL in it: YAML forbids it (5.1). */
export function pathKey(path: Path): string {
  return path.join("\0");
}

/** Names come from files, and terminals obey control characters: those are escaped. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A name that may be anything, for an error: plain, and cut where it is long. */
export function printable(text: string): string {
  return plain(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** `devices[2].qos`; a key that is no plain word stands in brackets: `resources["a b"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z0-9_$-]{1,80}$/.test(part)) return `${text}["${printable(part)}"]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** `weir.yaml:12:5 devices[2].qos: must be 0, 1 or 2` */
export function formatProblem(problem: ConfigProblem): string {
  const path = formatPath(problem.path);
  const level = problem.level === "warning" ? "warning: " : "";
  return `${problem.place}${path === "" ? "" : ` ${path}`}: ${level}${problem.message}`;
}

/** The file's problems in the order of the file, then those of overrides by name. */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const end = Number.POSITIVE_INFINITY;
  return [...problems].sort((a, b) => {
    if ((a.line ?? end) !== (b.line ?? end)) return (a.line ?? end) - (b.line ?? end);
    if ((a.column ?? 0) !== (b.column ?? 0)) return (a.column ?? 0) - (b.column ?? 0);
    const [left, right] = [formatProblem(a), formatProblem(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

/** A file that is wrong in every line says so often enough. */
const MAX_LINES = 1000;

/** Every problem of a configuration at once. Its message is the same text as `format()`. */
export class ConfigError extends WeirError {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    const sorted = sortProblems(problems);
    const lines = sorted.slice(0, MAX_LINES).map(formatProblem);
    if (sorted.length > MAX_LINES) lines.push(`and ${sorted.length - MAX_LINES} more`);
    super("CONFIG_INVALID", lines.join("\n"));
    this.name = "ConfigError";
    this.problems = sorted;
  }
  /** One line a problem. */
  format(): string {
    return this.message;
  }
}

/** @throws ConfigError if one of the problems is an error; warnings alone pass. */
export function throwErrors(problems: readonly ConfigProblem[]): void {
  if (problems.some((problem) => problem.level === "error")) throw new ConfigError(problems);
}
