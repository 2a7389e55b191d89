import type { z } from "zod";
import { listOr, suggest } from "../core/near.js";
import type { Path } from "./problems.js";
import { keysOf, type Shape, shapesAt } from "./shape.js";

/** zod's issues in words for people. No message quotes a value: it may be a secret. */

type Issue = z.core.$ZodIssue;

export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** The key itself is wrong, not what it holds. */
  readonly aboutKey?: boolean;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a section with keys",
  record: "a section with keys",
};

const MISSING = "is missing";
const NO_FORM = "has none of the forms that are possible here";

function kind(expected: string): string {
  return KINDS[expected] ?? expected;
}

function bound(origin: string, limit: number | bigint, word: "least" | "most"): string {
  if (origin === "string") return `must have at ${word} ${limit} characters`;
  if (origin === "array" || origin === "set") return `must have at ${word} ${limit} entries`;
  return `must be at ${word} ${limit}`;
}

/** For `safeParse(…, { error })`: what a schema has no words of its own for. */
export function word(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return MISSING;
      if (issue.expected === "string" && typeof issue.input !== "object") return "must be text: put it in quotes";
      return `must be ${kind(issue.expected)}`;
    case "invalid_value":
      if (issue.input === undefined) return `${MISSING}: ${listOr(issue.values.map(String))}`;
      return `must be ${listOr(issue.values.map(String))}`;
    case "too_small":
      return issue.inclusive === false
        ? `must be more than ${issue.minimum}`
        : bound(issue.origin, issue.minimum, "least");
    case "too_big":
      return issue.inclusive === false
        ? `must be less than ${issue.maximum}`
        : bound(issue.origin, issue.maximum, "most");
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.format === "regex" ? `must match ${issue.pattern}` : `must be text of the form ${issue.format}`;
    case "invalid_union":
      return NO_FORM;
    default:
      return "is not valid here";
  }
}

/** The issues as findings, each at its own place. `root` is the shape of the whole file, `base` where the schema began in it. */
export function explain(issues: readonly Issue[], root: Shape, base: Path): Finding[] {
  return issues.flatMap((issue) => explainOne(issue, root, base));
}

function explainOne(issue: Issue, root: Shape, base: Path): Finding[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(shapesAt(root, path));
    // A key of another form of the same section (heartbeat, with `on: every`).
    const message = (key: string): string =>
      known.includes(key) ? "does not go together with the other keys here" : `unknown key${suggest(key, known)}`;
    return issue.keys.map((key) => ({ path: [...path, key], message: message(key), aboutKey: true }));
  }
  if (issue.code === "invalid_key")
    return [{ path, message: issue.issues[0]?.message ?? issue.message, aboutKey: true }];
  if (issue.code === "invalid_element") return explain(issue.issues, root, path);
  if (issue.code === "invalid_union") return explainUnion(issue, root, path);
  return [{ path, message: issue.message === MISSING ? missing(shapesAt(root, path)) : issue.message }];
}

/** Names what could stand there, where that is a list of words. */
function missing(shapes: readonly Shape[]): string {
  const options = shapes.flatMap((shape) => shape.enum ?? []).map(String);
  return options.length > 0 ? `${MISSING}: ${listOr(options)}` : MISSING;
}

/** Only the branch that was likely meant speaks; the others would be noise. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, root: Shape, path: Path): Finding[] {
  if (issue.discriminator !== undefined) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return [{ path, message: `must be ${listOr(options)}` }];
  }
  const wrongType = (branch: readonly Issue[]): string | undefined => {
    const [first] = branch;
    return first?.code === "invalid_type" && first.path.length === 0 ? first.expected : undefined;
  };
  const fitting = issue.errors.filter((branch) => wrongType(branch) === undefined);
  const [best] = [...fitting].sort((a, b) => weight(a) - weight(b));
  if (best) return explain(best, root, path);
  if (issue.message !== NO_FORM) return [{ path, message: issue.message }];
  if (issue.errors.every((branch) => branch[0]?.message === MISSING)) return [{ path, message: MISSING }];
  const kinds = [...new Set(issue.errors.map((branch) => kind(wrongType(branch) ?? "")))].filter((text) => text !== "");
  return [{ path, message: kinds.length > 0 ? `must be ${listOr(kinds)}` : issue.message }];
}

/** How far a branch is from what was written: a key that it does not know weighs more than one that is missing or wrong. */
function weight(branch: readonly Issue[]): number {
  return branch.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? 2 * issue.keys.length : 1), 0);
}
