import type { ColumnField } from "../schema/fields.js";
import type { Layout } from "./layout.js";
import { type Span, spanLayout } from "./spans.js";

/** A line of hostile bytes may be all separators. */
const MAX_COLUMNS = 1024;

export interface ColumnSection {
  readonly separator: string;
  readonly until?: string | undefined;
  readonly columns?: number | undefined;
  readonly fields: Readonly<Record<string, ColumnField>>;
}

/** Where the columns of a text stand. */
function split(text: string, end: number, separator: string): Span[] {
  const columns: Span[] = [];
  let start = 0;
  while (columns.length < MAX_COLUMNS) {
    const next = text.indexOf(separator, start);
    if (next < 0 || next + separator.length > end) break;
    columns.push({ start, end: next });
    start = next + separator.length;
  }
  columns.push({ start, end });
  return columns;
}

/** Values in columns, counted from either end. */
export function columnLayout({ separator, until, columns: count, fields }: ColumnSection): Layout {
  const entries = Object.entries(fields);
  return spanLayout(new Map(entries), (text) => {
    const cut = until === undefined ? -1 : text.lastIndexOf(until);
    const columns = split(text, cut < 0 ? text.length : cut, separator);
    if (count !== undefined && columns.length !== count) {
      return { reason: `has ${columns.length} columns, not ${count}` };
    }
    const spans = new Map<string, Span>();
    for (const [resource, { at, negative }] of entries) {
      const span = columns.at(at);
      const sign = negative === undefined ? undefined : columns.at(negative.at);
      if (span === undefined || (negative !== undefined && sign === undefined)) continue;
      spans.set(
        resource,
        negative === undefined || sign === undefined
          ? span
          : { ...span, sign: { ...sign, is: negative.is, else: negative.else } },
      );
    }
    return spans;
  });
}
