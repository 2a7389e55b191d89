import { z } from "zod";
import { bytes, duration } from "./text.js";

/** The bound that the framers themselves hold. */
const MAX_FRAME = 65_536;

const max = (usual: number) =>
  z
    .int()
    .min(1)
    .max(MAX_FRAME)
    .default(usual)
    .describe("The longest frame in bytes. What grows beyond it is discarded as too_long, and the search begins anew.");

/** The framers search for at most 8 bytes. */
const word = bytes.refine((value) => value.length <= 8, { error: "must be at most 8 bytes long" });
const start = word.optional().describe("What every frame begins with, 1 to 8 bytes; it is part of the frame.");
const end = word.optional().describe("What every frame ends with, 1 to 8 bytes; it is part of the frame.");

const line = z
  .strictObject({
    delimiter: word
      .optional()
      .describe(
        "What ends a line, 1 to 8 bytes; it is not part of the frame. Left out: a line feed, with or without a carriage return before it.",
      ),
    start: word
      .optional()
      .describe('What every line begins with, for example "$"; it is part of the frame. Bytes before it are noise.'),
    max: max(1024),
  })
  .describe("A frame is a line: it ends with a delimiter.");

const fixed = z
  .strictObject({
    length: z.int().min(1).max(MAX_FRAME).describe("How many bytes every frame has, start and end included."),
    start,
    end,
  })
  .describe("Every frame has the same length. Give start or end, or nothing holds the frames in step.");

const header = z
  .strictObject({
    start: word.describe("What every frame begins with, 1 to 8 bytes; it is part of the frame."),
    length: z
      .strictObject({
        at: z.int().min(0).max(64).describe("Where the length stands: bytes from the first byte of the frame."),
        type: z.enum(["u8", "u16be", "u16le"]).default("u8").describe("How the length is written."),
        add: z
          .int()
          .min(-1024)
          .max(1024)
          .default(0)
          .describe("What to add to it to get the size of the whole frame, from its first byte to its last."),
      })
      .describe("The length field."),
    max: max(512),
    end,
  })
  .describe("A frame begins with a start word and says how long it is.");

const slip = z.strictObject({ max: max(1024) }).describe("SLIP, RFC 1055: frames end with C0, escaped with DB.");

const silence = z
  .strictObject({
    gap: duration.describe(
      "How long the line is quiet between two frames. Below 20ms an operating system cannot tell.",
    ),
    max: max(512),
  })
  .describe("A frame is what comes without a pause. For devices that mark their frames by nothing else.");

const regex = z
  .strictObject({
    end: z
      .string()
      .min(1)
      .max(256)
      .describe(
        "Where a frame ends: a regular expression (RE2) over the bytes as Latin-1 text. What it matches is part of the frame, and can be at most lookback bytes long.",
      ),
    start: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe("Where a frame begins. Left out: directly behind the frame before."),
    lookback: z.int().min(1).max(1024).optional().describe("How many bytes `end` can match at most. Left out: 64."),
    max: max(8192),
  })
  .describe("A frame ends where a regular expression matches.");

const KINDS = ["line", "fixed", "header", "slip", "silence", "regex"] as const;

export const framing = z
  .strictObject({
    line: line.optional(),
    fixed: fixed.optional(),
    header: header.optional(),
    slip: slip.optional(),
    silence: silence.optional(),
    regex: regex.optional(),
  })
  .superRefine((value, context) => {
    const given = KINDS.filter((kind) => value[kind] !== undefined);
    if (given.length !== 1) context.addIssue(`must have exactly one of ${KINDS.join(", ")}`);
  })
  .describe("How the byte stream is cut into frames.");

export type FramingSection = z.output<typeof framing>;
