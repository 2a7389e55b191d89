import { z } from "zod";

const choice = z.union([z.string(), z.number(), z.boolean()], { error: "must be text, a number, true or false" });

/** What turns a raw value into the resource's. The same for every kind of message. */
const RULE_KEYS = {
  scale: z
    .number()
    .refine((value) => value !== 0, { error: "must not be 0" })
    .default(1)
    .describe(
      "value = raw * scale + offset. The value has as many decimals as raw and scale have together, so 6 * 0.1 is 0.6.",
    ),
  offset: z.number().default(0).describe("Added after the scale."),
  decimals: z
    .int()
    .min(0)
    .max(15)
    .optional()
    .describe("Round the value to so many decimals. Left out: as many as raw and scale have together."),
  enum: z
    .record(z.string(), choice)
    .optional()
    .describe(
      "Raw value to value: { 0: off, 1: on }. A raw value that is not listed gives a reading of quality uncertain.",
    ),
  invalid: z
    .array(z.union([z.string(), z.number()], { error: "must be text or a number" }))
    .default([])
    .describe("Raw values that mean that there is no value: the resource is left out."),
};

export const INTEGER_TYPE = /^([us])(8|(?:16|24|32|40|48|56|64)(?:be|le))$/;
const FLOAT_TYPES = ["f32be", "f32le", "f64be", "f64le"];
/** Those whose size is given by `length`. */
export const SIZED_TYPES = ["bcdbe", "bcdle", "ascii", "bytes"];

const binaryType = z
  .string()
  .refine((type) => INTEGER_TYPE.test(type) || FLOAT_TYPES.includes(type) || SIZED_TYPES.includes(type), {
    error: `must be u8, s8, an integer with its byte order such as u16be, s24le or u64be (16 to 64 bits), ${[...FLOAT_TYPES, ...SIZED_TYPES].join(", ")}`,
  });

/** 65,535 is the last place a frame can have. */
const byteIndex = z.int().min(-65_536).max(65_535);

export const binaryField = z
  .strictObject({
    at: byteIndex.describe(
      "The first byte, counted from 0; negative: from the end of the frame (-1 is the last byte).",
    ),
    type: binaryType.describe(
      "u8, s8, u16be, s24le ... u64be: integers; f32be, f64le ...: floats; bcdbe, bcdle: two decimal digits a byte; ascii: text; bytes: as they are.",
    ),
    length: z
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe("How many bytes, for bcdbe, bcdle (8 at most), ascii and bytes."),
    bit: z
      .int()
      .min(0)
      .max(63)
      .optional()
      .describe("Take bits of the integer only: the lowest one, 0 being the least significant."),
    width: z.int().min(1).max(52).optional().describe("How many bits. Left out: 1."),
    ...RULE_KEYS,
  })
  .superRefine((value, context) => {
    const sized = SIZED_TYPES.includes(value.type);
    const problem = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    if (sized && value.length === undefined) problem("type", `needs a length`);
    if (!sized && value.length !== undefined) problem("length", `is for ${SIZED_TYPES.join(", ")} only`);
    if (value.type.startsWith("bcd") && (value.length ?? 0) > 8)
      problem("length", "must be at most 8 for decimal digits");
    const bits = Number(INTEGER_TYPE.exec(value.type)?.[2]?.replace(/[a-z]+/, "") ?? 0);
    if (value.bit === undefined) {
      if (value.width !== undefined) problem("width", "needs bit");
    } else if (!value.type.startsWith("u") || bits === 0) {
      problem("bit", "is for unsigned integers only");
    } else if (value.bit + (value.width ?? 1) > bits) {
      problem("bit", `passes the ${bits} bits of ${value.type}`);
    }
  })
  .describe("One value at a fixed place.");

export type BinaryField = z.output<typeof binaryField>;

const TEXT_RULE_KEYS = {
  ...RULE_KEYS,
  base: z.literal([10, 16]).default(10).describe("16: the digits are hexadecimal, with or without 0x."),
  format: z
    .enum(["ddmm"])
    .optional()
    .describe(
      "ddmm: degrees and minutes as NMEA 0183 writes them (4807.038 is 48 degrees 7.038 minutes), into degrees.",
    ),
};

const pattern = z
  .string()
  .min(1)
  .max(1024)
  .describe("A regular expression (RE2) with one group: what the group matches is the value.");

export const textField = z
  .strictObject({ pattern: pattern.optional(), ...TEXT_RULE_KEYS })
  .describe("One value in a text.");

const column = z.int().min(-256).max(255);

export const columnField = z
  .strictObject({
    at: column.describe("The column, counted from 0; negative: from the end (-1 is the last column)."),
    negative: z
      .strictObject({
        at: column.describe("The column that carries the sign."),
        is: z.string().min(1).describe("What that column holds where the value is negative, for example S."),
        else: z.string().min(1).describe("What it holds otherwise, for example N. Written when a device is simulated."),
      })
      .optional()
      .describe("The sign stands in another column."),
    ...TEXT_RULE_KEYS,
  })
  .describe("One column.");

export const keyField = z
  .strictObject({
    key: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: "must be text or a list of texts" })
      .optional()
      .describe("The key, or several of which the first one that is there counts. Left out: the resource's name."),
    pattern: pattern.optional(),
    ...TEXT_RULE_KEYS,
  })
  .describe("The value of one key.");

export const pointerField = z
  .strictObject({
    pointer: z
      .string()
      .regex(/^(\/([^~/]|~[01])*)*$/, { error: 'must be a JSON pointer (RFC 6901), for example "/air/temperature"' })
      .optional()
      .describe("Where it stands: a JSON pointer (RFC 6901). Left out: the member with the resource's name."),
    ...TEXT_RULE_KEYS,
  })
  .describe("One value of a JSON text.");

/** Commands write one value into a text. Without `at` and `type`: these make it a binary field. */
export const placeholderField = z
  .strictObject({
    at: z.never().optional(),
    type: z.never().optional(),
    ...TEXT_RULE_KEYS,
    decimals: z
      .int()
      .min(0)
      .max(15)
      .optional()
      .describe("How many decimals a number is written with. Left out: as many as it has."),
    width: z.int().min(1).max(32).optional().describe("Numbers are filled up with zeros to this many characters."),
  })
  .describe("How the value is written into the text.");

export type TextField = z.output<typeof textField>;
export type ColumnField = z.output<typeof columnField>;
export type KeyField = z.output<typeof keyField>;
export type PointerField = z.output<typeof pointerField>;
export type PlaceholderField = z.output<typeof placeholderField>;

/** What a command writes, into bytes or into a text. */
export const writtenValue = z
  .union([binaryField, placeholderField], {
    error: "must be a field: { at: 6, type: u16be }, or { decimals: 1 } for a text",
  })
  .describe("Where and how the value is written: a binary field, or how {value} looks in the text.");
/** What all fields share. */
export interface Rule {
  readonly scale: number;
  readonly offset: number;
  readonly decimals?: number | undefined;
  readonly enum?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly invalid: readonly (string | number)[];
  /** Fields of texts only. */
  readonly base?: 10 | 16;
  readonly format?: "ddmm" | undefined;
}
