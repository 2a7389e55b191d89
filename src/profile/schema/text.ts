import { z } from "zod";

/** "500ms", "10s", "5m", "1h": a whole or decimal number with its unit. In ms. */
const DURATION = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)$/;
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** What a timer of Node can hold (a signed 32-bit count of ms, 24 days). Longer ones would fire at once. */
const MAX_DURATION = 2 ** 31 - 1;

export const duration = z
  .string({ error: 'must be a time with its unit, for example "10s", "500ms", "5m" or "1h"' })
  .transform((text, context) => {
    const match = DURATION.exec(text);
    const unit = match?.[2] as keyof typeof MS | undefined;
    const ms = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * MS[unit]);
    if (ms >= 1 && ms <= MAX_DURATION) return ms;
    context.addIssue(
      Number.isNaN(ms)
        ? 'must be a time with its unit, for example "10s", "500ms", "5m" or "1h"'
        : "must be between 1ms and 24 days",
    );
    return z.NEVER;
  });

/** The bytes of "42 4D 00 1C", or undefined. Blanks and line ends may stand between any two digits. */
export function parseHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, "");
  if (digits.length === 0 || digits.length % 2 !== 0 || !/^[0-9A-Fa-f]+$/.test(digits)) return undefined;
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** "42 4D 00 1C", for messages. */
export function showHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase().match(/../g)?.join(" ") ?? "";
}

export const QUOTE_HEX = 'must be pairs of hexadecimal digits in quotes, for example "42 4D 00 1C"';

export const hex = z.string({ error: QUOTE_HEX }).transform((text, context) => {
  const bytes = parseHex(text);
  if (bytes !== undefined) return bytes;
  context.addIssue(QUOTE_HEX);
  return z.NEVER;
});

const utf8 = new TextEncoder();

const text = z
  .string({ error: "must be text: put it in quotes" })
  .min(1)
  .transform((value) => utf8.encode(value));

const lines = z
  .string({ error: "must be a block of lines" })
  .min(1)
  .transform((value) => utf8.encode(value.replace(/\r?\n/g, "\r\n")));

/** The three ways to spell bytes, for objects that have other keys as well. */
export const BYTES_KEYS = {
  hex: hex.optional().describe('The bytes in hexadecimal digits: "42 4D 00 1C".'),
  text: text
    .optional()
    .describe('The bytes as text, in UTF-8. In double quotes, "\\r\\n" and "\\t" mean what they do in C.'),
  lines: lines
    .optional()
    .describe("The bytes as a YAML block of lines; every line end is sent as carriage return and line feed."),
};

interface Spelled {
  readonly hex?: Uint8Array | undefined;
  readonly text?: Uint8Array | undefined;
  readonly lines?: Uint8Array | undefined;
}

/** How many of the three are given: must be one. */
export function spellings(value: Spelled): number {
  return [value.hex, value.text, value.lines].filter((bytes) => bytes !== undefined).length;
}

/** The bytes of an object that was checked to have one of the three. */
export function spelled(value: Spelled): Uint8Array {
  return value.hex ?? value.text ?? value.lines ?? new Uint8Array();
}

export const ONE_SPELLING = "must have one of hex, text or lines";

/** Two or more pairs of hexadecimal digits with blanks between them: nobody means these as text. */
const LOOKS_LIKE_HEX = /^[0-9A-Fa-f]{2}( [0-9A-Fa-f]{2})+$/;

/** Bytes: plain text, or an object with one of hex, text, lines. */
export const bytes = z.union(
  [
    z
      .string()
      .min(1)
      .transform((value, context) => {
        if (LOOKS_LIKE_HEX.test(value)) {
          context.addIssue(
            `looks like hexadecimal digits: write { hex: "${value}" }, or { text: "${value}" } if it is text`,
          );
          return z.NEVER;
        }
        return utf8.encode(value);
      }),
    z
      .strictObject(BYTES_KEYS)
      .refine((value) => spellings(value) === 1, { error: ONE_SPELLING })
      .transform(spelled),
  ],
  { error: 'must be text, { hex: "42 4D" }, { text: ... } or { lines: ... }' },
);
