import { z } from "zod";
import { LONGEST_TIMER, parseDuration } from "../../core/duration.js";

const DURATION = 'must be a time with its unit, for example "10s", "500ms", "5m" or "1h"';

export const duration = z.string({ error: DURATION }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1 && ms <= LONGEST_TIMER) return ms;
  context.addIssue(ms === undefined ? DURATION : "must be between 1ms and 24 days");
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
