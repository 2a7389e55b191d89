import { validFilter } from "../../../core/topics.js";
import { type LineProblem, Problems } from "../problem.js";
import { fill, hasPlaceholder, type Names } from "./placeholders.js";
import type { Rule, RuleList } from "./rules.js";

/**
 * mosquitto's acl_file, with what mosquitto 2.0 makes of it (mosquitto.conf(5), src/security_default.c): a client has the `topic`
 * lines of its user, an anonymous one those before any `user` line, and all `pattern` lines after them. Within both kinds what is
 * denied comes first. Nothing else is allowed.
 */
export interface AclFile {
  rulesFor(names: Names): RuleList;
}

interface Line {
  readonly effect: Rule["effect"];
  readonly actions: Rule["actions"];
  readonly topic: string;
}

const ACCESS: ReadonlyMap<string, Pick<Line, "effect" | "actions">> = new Map([
  ["read", { effect: "allow", actions: "subscribe" }],
  ["write", { effect: "allow", actions: "publish" }],
  ["readwrite", { effect: "allow", actions: "all" }],
  ["deny", { effect: "deny", actions: "all" }],
]);
const READWRITE = { effect: "allow", actions: "all" } as const;
const DENY_ALL: Rule = { effect: "deny", actions: "all", filters: "every" };

export function parseAclFile(text: string): { readonly acl: AclFile; readonly problems: readonly LineProblem[] } {
  const problems = new Problems();
  const users = new Map<string | undefined, Line[]>();
  const patterns: Line[] = [];
  let current: Line[] = [];
  users.set(undefined, current);
  for (const [index, raw] of text.split("\n").entries()) {
    if (raw.startsWith("#")) continue;
    // As mosquitto cuts it: blanks at the end go, words end at spaces, what is left of the line is the topic.
    const line = raw.trimEnd().replace(/^ +/, "");
    if (line === "") continue;
    const report = (message: string) => problems.add(index + 1, message);
    const [keyword, rest] = cut(line);
    if (keyword === "user") {
      const name = rest.trim();
      if (name === "") report("user needs a name");
      current = users.get(name) ?? [];
      users.set(name, current);
    } else if (keyword === "topic" || keyword === "pattern") {
      const parsed = parseTopicLine(rest);
      if (typeof parsed === "string") report(parsed);
      else (keyword === "topic" ? current : patterns).push(parsed);
    } else {
      report("must begin with topic, pattern or user");
    }
  }
  return { acl: compile(users, patterns), problems: problems.list };
}

/** The first word, and what follows the spaces after it. */
function cut(line: string): [word: string, rest: string] {
  const space = line.indexOf(" ");
  return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space).replace(/^ +/, "")];
}

function parseTopicLine(text: string): Line | string {
  const [word, rest] = cut(text);
  if (word === "") return "needs a topic";
  const topic = rest === "" ? word : rest.trim();
  const access = rest === "" ? READWRITE : ACCESS.get(word);
  if (access === undefined)
    return "must have read, write, readwrite or deny before its topic (a topic with a space needs one of them)";
  return validFilter(topic)
    ? { ...access, topic }
    : "has no valid topic: + and # alone between slashes, # only at the end";
}

function compile(users: ReadonlyMap<string | undefined, readonly Line[]>, patternLines: readonly Line[]): AclFile {
  const lists = new Map([...users].map(([user, lines]) => [user, deniedFirst(lines).map(toRule)]));
  const patterns = deniedFirst(patternLines);
  return {
    rulesFor: (names) => {
      const own = lists.get(names.user) ?? [];
      return { rules: patterns.length === 0 ? own : [...own, ...fillPatterns(patterns, names)], otherwise: "deny" };
    },
  };
}

function deniedFirst(lines: readonly Line[]): Line[] {
  return [...lines.filter(({ effect }) => effect === "deny"), ...lines.filter(({ effect }) => effect === "allow")];
}

function toRule({ effect, actions, topic }: Line): Rule {
  return { effect, actions, filters: [topic] };
}

function fillPatterns(patterns: readonly Line[], names: Names): Rule[] {
  // mosquitto asks this of both names, whether or not a pattern uses them.
  if (/[+#]/.test(names.user ?? "") || /[+#]/.test(names.clientId)) return [DENY_ALL];
  return patterns.flatMap((line): Rule[] => {
    if (!hasPlaceholder(line.topic)) return [toRule(line)];
    const filled = fill(line.topic, names);
    if (filled === "none") return [];
    // mosquitto would let a slash reach other levels: here such a name gains nothing, and what is denied to it stays denied.
    if (filled === "unsafe") return line.effect === "deny" ? [DENY_ALL] : [];
    return [{ effect: line.effect, actions: line.actions, filters: [filled.filter] }];
  });
}
