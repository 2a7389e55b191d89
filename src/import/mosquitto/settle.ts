import type { Path } from "../../config/index.js";
import type { Draft, DraftBridge, DraftRule } from "./draft.js";
import type { Notes } from "./notes.js";

/** What the loader has against a text. Empty: it takes it. */
export type Judge = (text: string) => readonly { readonly path: Path; readonly message: string }[];

type Part = Draft["listeners"][number] | DraftBridge | DraftRule;

/**
 * Takes out what the loader refuses, with an error for each: rules that are a loop together, say. The loader has the last
 * word because it knows more than any one line: what comes out is a configuration that it takes.
 */
export function settle(
  draft: Draft,
  write: (draft: Draft) => string,
  judge: Judge,
  source: string,
  notes: Notes,
): Draft {
  let now = draft;
  // Each round takes out a part at least.
  for (;;) {
    const problems = judge(write(now));
    if (problems.length === 0) return now;
    const refused = new Set<Part>();
    for (const { path, message } of problems) {
      const [part, what] = partAt(now, path);
      if (part === undefined || refused.has(part)) continue;
      refused.add(part);
      notes.error(part.place, `this ${what} is left out: ${message}`);
    }
    if (refused.size === 0) {
      notes.error({ file: source }, `the result is not a sound configuration: ${problems[0]?.message}`);
      return now;
    }
    now = {
      listeners: now.listeners.filter((one) => !refused.has(one)),
      bridges: now.bridges
        .filter((one) => !refused.has(one))
        .map((one) => ({ ...one, rules: one.rules.filter((rule) => !refused.has(rule)) })),
    };
  }
}

function partAt(draft: Draft, [section, index, key, n]: Path): [part: Part | undefined, what: string] {
  if (section === "broker") return [draft.listeners[Number(key)], "listener"];
  const bridge = section === "bridges" ? draft.bridges[Number(index)] : undefined;
  const rule = key === "rules" ? bridge?.rules[Number(n)] : undefined;
  return rule === undefined ? [bridge, `connection (${String(key)})`] : [rule, "topic line"];
}
