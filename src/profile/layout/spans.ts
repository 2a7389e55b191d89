import { decimalsOf, roundTo } from "../decimal.js";
import type { Rule } from "../schema/fields.js";
import type { Raw } from "../value.js";
import { isUnreadable, type Layout, type Unreadable } from "./layout.js";

/** Where a value stands in a text: characters [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** The sign stands elsewhere. */
  readonly sign?: { readonly start: number; readonly end: number; readonly is: string; readonly else: string };
}

export type Spans = ReadonlyMap<string, Span>;

/** A number in the manner of an example: as many decimals, filled up with zeros where the example is, its plus sign. */
function likeExample(example: string, value: number, rule: Rule): string {
  const unsigned = example.trim().replace(/^[-+]/, "");
  const size = Math.abs(value);
  const [, prefix = "", digits = ""] = /^(0[xX])?(.*)$/.exec(unsigned) ?? [];
  let text: string;
  if (rule.base === 16) {
    const hexadecimal = Math.round(size).toString(16).padStart(digits.length, "0");
    text = prefix + (/[a-f]/.test(digits) ? hexadecimal : hexadecimal.toUpperCase());
  } else {
    // Without an example nothing says how fine the device is: three decimals suit most.
    text = unsigned === "" ? String(roundTo(size, 3)) : size.toFixed(unsigned.split(".")[1]?.length ?? 0);
    const filled = rule.format === "ddmm" || /^0\d/.test(unsigned);
    if (filled) text = text.padStart(unsigned.length, "0");
  }
  const negative = value < 0 && /[1-9a-fA-F]/.test(text);
  return (negative ? "-" : example.trim().startsWith("+") ? "+" : "") + text;
}

/** A value in the manner of the text that stands in its place. */
export function formatLike(example: string, value: Raw, rule: Rule): string {
  if (typeof value === "number") return likeExample(example, value, rule);
  if (typeof value === "boolean" && /^[01]$/.test(example.trim())) return value ? "1" : "0";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex").toUpperCase();
  return String(value);
}

/** A number in a text of its own: a command. */
export function formatNumber(value: number, decimals: number | undefined, width: number): string {
  const text = Math.abs(value).toFixed(decimals ?? Math.min(decimalsOf(value), 15));
  return (value < 0 && /[1-9]/.test(text) ? "-" : "") + text.padStart(width, "0");
}

/** A layout of a text, from what finds its values. Reading cuts them out, writing puts others in their place. */
export function spanLayout(fields: ReadonlyMap<string, Rule>, find: (text: string) => Spans | Unreadable): Layout {
  return {
    fields,
    read({ text }) {
      const spans = find(text);
      if (isUnreadable(spans)) return spans;
      const raws = new Map<string, Raw>();
      for (const [resource, { start, end, sign }] of spans) {
        const value = text.slice(start, end);
        const side = sign === undefined || value.trim() === "" ? undefined : text.slice(sign.start, sign.end).trim();
        if (side !== undefined && side !== sign?.is && side !== sign?.else) {
          return { reason: `the sign of ${resource} is neither ${sign?.is} nor ${sign?.else}` };
        }
        raws.set(resource, side !== undefined && side === sign?.is ? `-${value.trim()}` : value);
      }
      return raws;
    },
    write(frame, values) {
      const { text } = frame;
      const spans = find(text);
      if (isUnreadable(spans)) throw new RangeError(spans.reason);
      const edits: { start: number; end: number; text: string }[] = [];
      for (const [resource, value] of values) {
        const span = spans.get(resource);
        const rule = fields.get(resource);
        if (span === undefined || rule === undefined) continue;
        const { start, end, sign } = span;
        const unsigned = sign !== undefined && typeof value === "number" ? Math.abs(value) : value;
        edits.push({ start, end, text: formatLike(text.slice(start, end), unsigned, rule) });
        if (sign !== undefined && typeof value === "number") {
          edits.push({ start: sign.start, end: sign.end, text: value < 0 ? sign.is : sign.else });
        }
      }
      let written = text;
      // From behind, so that the places before stay where they are.
      for (const edit of edits.sort((a, b) => b.start - a.start)) {
        written = written.slice(0, edit.start) + edit.text + written.slice(edit.end);
      }
      return frame.encode(written);
    },
  };
}
