import { z } from "zod";
import { binaryField, columnField, keyField, pointerField, textField } from "./fields.js";
import { QUOTE_HEX } from "./text.js";

/** The same rule for messages, resources and groups of patterns. */
export const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
export const name = z.string().regex(NAME, {
  error: "must begin with a letter and have letters, digits, _ and - only, 64 at most",
});

const nonEmpty = <T extends z.ZodType>(field: T) =>
  z
    .record(name, field)
    .refine((fields) => Object.keys(fields).length > 0, { error: "must have at least one field" })
    .describe("Resource to where its value stands.");

/** "68 ?? ?? 68": undefined for a byte that may be anything. */
const hexPattern = z.string({ error: QUOTE_HEX }).transform((text, context): (number | undefined)[] => {
  const digits = text.replace(/\s+/g, "");
  if (/^(?:[0-9A-Fa-f]{2}|\?\?)+$/.test(digits)) {
    return (digits.match(/../g) ?? []).map((pair) => (pair === "??" ? undefined : Number.parseInt(pair, 16)));
  }
  context.addIssue(`${QUOTE_HEX}; ?? stands for any byte`);
  return z.NEVER;
});

const match = z
  .strictObject({
    hex: hexPattern
      .optional()
      .describe("Bytes that the frame has at `at`, in hexadecimal digits; ?? stands for any byte."),
    text: z
      .string({ error: "must be text: put it in quotes" })
      .min(1)
      .optional()
      .describe("Text that the frame has at `at`."),
    at: z.int().min(0).max(65_535).default(0).describe("Where, in bytes from the first."),
    regex: z
      .string()
      .min(1)
      .max(1024)
      .optional()
      .describe("A regular expression (RE2) that matches somewhere in the frame, its bytes as Latin-1 text."),
    length: z.int().min(1).max(65_536).optional().describe("How many bytes the frame has."),
  })
  .refine((value) => value.hex ?? value.text ?? value.regex ?? value.length, {
    error: "must have at least one of hex, text, regex, length",
  })
  .transform(({ text, hex, ...rest }) => ({
    ...rest,
    words: [hex, text === undefined ? undefined : [...new TextEncoder().encode(text)]].filter(
      (word) => word !== undefined,
    ),
  }))
  .describe("Which frames are this message. Left out: all of them.");

const separator = z.string().min(1).max(8);

export const message = z
  .strictObject({
    description: z.string().optional().describe("What the message is."),
    match: match.optional(),
    binary: nonEmpty(binaryField).optional().describe("Values at fixed places of the frame's bytes."),
    text: z
      .strictObject({
        pattern: z
          .string()
          .min(1)
          .max(4096)
          .optional()
          .describe(
            "A regular expression (RE2) with a named group for every resource: T=(?<temperature>[-0-9.]+). Frames that it does not match are not this message.",
          ),
        fields: z
          .record(name, textField)
          .default({})
          .describe("Resource to its own pattern, or to the scale, enum and so on of a group of the pattern above."),
      })
      .refine((value) => value.pattern !== undefined || Object.keys(value.fields).length > 0, {
        error: "must have a pattern or fields",
      })
      .optional()
      .describe("Values found by regular expressions."),
    delimited: z
      .strictObject({
        separator: separator.default(",").describe("What stands between two columns."),
        until: z
          .string()
          .min(1)
          .max(8)
          .optional()
          .describe("The text is cut at the last one of these before it is split, for example at the * of NMEA 0183."),
        columns: z
          .int()
          .min(1)
          .max(256)
          .optional()
          .describe("How many columns there must be. A frame with another number is bad."),
        fields: nonEmpty(columnField),
      })
      .optional()
      .describe("Values in columns."),
    keyValue: z
      .strictObject({
        entries: separator.default("\r\n").describe("What stands between two entries."),
        separator: separator.default("=").describe("What stands between key and value: the first one in the entry."),
        pattern: z
          .string()
          .min(1)
          .max(1024)
          .optional()
          .describe(
            "For fields without a pattern of their own: a regular expression (RE2) with one group, applied to the value.",
          ),
        fields: nonEmpty(keyField),
      })
      .optional()
      .describe("Values by their keys."),
    json: z
      .strictObject({ fields: nonEmpty(pointerField) })
      .optional()
      .describe("Values in a JSON text."),
  })
  .describe("One kind of frame. Without values it is known and ignored, and not counted as unmatched.");

export type MessageSection = z.output<typeof message>;
export type MatchSection = z.output<typeof match>;
