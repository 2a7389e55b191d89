import { RE2JS } from "re2js";
import type { Rule, TextField } from "../schema/fields.js";
import type { Layout } from "./layout.js";
import { type Span, spanLayout } from "./spans.js";

/** What a field of the pattern's groups has where the profile says nothing about it. */
const PLAIN: Rule = { scale: 1, offset: 0, invalid: [] };

/**
 * Where the one group of a pattern stands in a text. RE2: time grows with the text only, whatever the pattern.
 * Undefined where the pattern does not match, or its group does not take part.
 */
export function groupFinder(pattern: string): (text: string, from?: number, to?: number) => Span | undefined {
  const compiled = RE2JS.compile(pattern);
  return (text, from = 0, to = text.length) => {
    const matcher = compiled.matcher(text.slice(from, to));
    if (!matcher.find()) return undefined;
    const start = matcher.start(1);
    return start < 0 ? undefined : { start: from + start, end: from + matcher.end(1) };
  };
}

export interface TextSection {
  readonly pattern?: string | undefined;
  readonly fields: Readonly<Record<string, TextField>>;
}

/** Values found by regular expressions: the named groups of one for all, and one for each of the others. */
export function textLayout({ pattern, fields: section }: TextSection): Layout {
  const whole = pattern === undefined ? undefined : RE2JS.compile(pattern);
  const groups = whole === undefined ? [] : Object.keys(whole.namedGroups());
  const own = Object.entries(section).flatMap(([resource, field]) =>
    field.pattern === undefined ? [] : [{ resource, find: groupFinder(field.pattern) }],
  );
  const fields = new Map<string, Rule>([...groups.map((group) => [group, PLAIN] as const), ...Object.entries(section)]);
  return spanLayout(fields, (text) => {
    const spans = new Map<string, Span>();
    if (whole !== undefined) {
      const matcher = whole.matcher(text);
      if (!matcher.find()) return { reason: "the pattern does not match" };
      for (const group of groups) {
        const start = matcher.start(group);
        if (start >= 0) spans.set(group, { start, end: matcher.end(group) });
      }
    }
    for (const { resource, find } of own) {
      const span = find(text);
      if (span !== undefined) spans.set(resource, span);
    }
    return spans;
  });
}
