import type { KeyField } from "../schema/fields.js";
import type { Layout } from "./layout.js";
import { type Span, spanLayout } from "./spans.js";
import { groupFinder } from "./text.js";

/** A frame of hostile bytes may be all separators. */
const MAX_ENTRIES = 1024;

export interface KeySection {
  readonly entries: string;
  readonly separator: string;
  readonly pattern?: string | undefined;
  readonly fields: Readonly<Record<string, KeyField>>;
}

/** Where the value of every key stands. Of a key that comes twice, the first one counts. */
function index(text: string, entries: string, separator: string): Map<string, Span> {
  const values = new Map<string, Span>();
  let start = 0;
  for (let count = 0; count < MAX_ENTRIES && start <= text.length; count += 1) {
    const next = text.indexOf(entries, start);
    const end = next < 0 ? text.length : next;
    const divide = text.slice(start, end).indexOf(separator);
    if (divide >= 0) {
      const key = text.slice(start, start + divide).trim();
      if (!values.has(key)) values.set(key, { start: start + divide + separator.length, end });
    }
    start = end + entries.length;
  }
  return values;
}

/** Values by their keys. */
export function keyLayout({ entries, separator, pattern, fields }: KeySection): Layout {
  const compiled = Object.entries(fields).map(([resource, field]) => {
    const own = field.pattern ?? pattern;
    return {
      resource,
      keys: typeof field.key === "string" ? [field.key] : (field.key ?? [resource]),
      find: own === undefined ? undefined : groupFinder(own),
    };
  });
  return spanLayout(new Map(Object.entries(fields)), (text) => {
    const values = index(text, entries, separator);
    const spans = new Map<string, Span>();
    for (const { resource, keys, find } of compiled) {
      const key = keys.find((candidate) => values.has(candidate));
      const value = key === undefined ? undefined : values.get(key);
      const span = value === undefined || find === undefined ? value : find(text, value.start, value.end);
      if (span !== undefined) spans.set(resource, span);
    }
    return spans;
  });
}
