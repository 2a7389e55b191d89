import type { z } from "zod";

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping of keys to values",
  record: "a mapping of keys to values",
  array: "a list",
};

function kindOf(input: unknown): string {
  if (input === null) return "empty";
  if (Array.isArray(input)) return "a list";
  const kind = typeof input;
  return KINDS[kind] ?? kind;
}

/** Whether the issue says that the value as a whole is of another kind than this branch of a union wants. */
function isElsewhere(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

/** How many keys a branch of a union does not know: the fewer, the likelier it is the one that was meant. */
function strangersIn(branch: readonly Issue[]): number {
  return branch.reduce((sum, issue) => {
    if (issue.code === "unrecognized_keys") return sum + issue.keys.length;
    return sum + (issue.code === "invalid_type" && issue.expected === "never" ? 1 : 0);
  }, 0);
}

/**
 * The issues worth telling, with their whole paths: those of a union's one branch that the author must have meant,
 * where there is one; the union's own message otherwise.
 */
export function flatten(issues: readonly Issue[], above: readonly PropertyKey[] = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path];
    if (issue.code === "invalid_union") {
      const [best, second] = issue.errors
        .filter((branch) => branch.length > 0 && !branch.some(isElsewhere))
        .map((branch) => ({ branch, strangers: strangersIn(branch) }))
        .sort((a, b) => a.strangers - b.strangers);
      if (best !== undefined && best.strangers !== second?.strangers) return flatten(best.branch, path);
    }
    if (issue.code === "invalid_key") {
      return issue.issues.map((inner) => ({ ...inner, path }) as Issue);
    }
    return [{ ...issue, path }];
  });
}

/** The sentence for an issue, where zod's own is not plain. Passed to every parse, so that no global is set. */
export const explain: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type": {
      if (issue.input === undefined) return "is missing";
      const wanted = KINDS[issue.expected] ?? issue.expected;
      const hint = wanted === "text" && typeof issue.input !== "object" ? ": put it in quotes" : "";
      return `must be ${wanted}, not ${kindOf(issue.input)}${hint}`;
    }
    case "invalid_value":
      if (issue.input === undefined) return "is missing";
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      if (issue.origin === "string") return "must not be empty";
      if (issue.origin === "array") return `must have at least ${issue.minimum}`;
      return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `must be at most ${issue.maximum} characters long`;
      if (issue.origin === "array") return `must have at most ${issue.maximum}`;
      return `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
    case "invalid_union":
      return issue.input === undefined ? "is missing" : undefined;
    default:
      return undefined;
  }
};
