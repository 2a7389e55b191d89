import { z } from "zod";
import { checksum } from "./checksum.js";
import { writtenValue } from "./fields.js";
import { framing } from "./framing.js";
import { message, name } from "./messages.js";
import { BYTES_KEYS, bytes, duration, ONE_SPELLING, spelled, spellings } from "./text.js";

const answer = z
  .union([name, z.array(name).min(1)], { error: "must be the name of a message, or a list of names" })
  .optional()
  .transform((given): readonly string[] => (typeof given === "string" ? [given] : (given ?? [])))
  .describe("The message that answers it, or several of which any one does. Left out: nothing is waited for.");
const timeout = duration.prefault("1s").describe("How long to wait for the answer.");
const seal = z
  .union([z.boolean(), checksum], { error: "must be true, false or a checksum of its own" })
  .default(false)
  .describe(
    "true: write the checksum of `serial.checksum` into the bytes before they are sent; or a checksum of its own.",
  );

const poll = z
  .strictObject({
    request: bytes.describe("What to send."),
    every: duration.describe("How often."),
    answer,
    timeout,
    checksum: seal,
  })
  .describe("A question that is asked again and again.");

/** A value that `text` holds in braces. */
export const PLACEHOLDER = "{value}";

const command = z
  .strictObject({
    ...BYTES_KEYS,
    value: writtenValue.optional(),
    checksum: seal,
    answer,
    timeout,
  })
  .superRefine((value, context) => {
    if (spellings(value) !== 1) context.addIssue(ONE_SPELLING);
  })
  .transform(({ hex, text, lines, ...rest }) => ({
    ...rest,
    request: spelled({ hex, text, lines }),
    isText: hex === undefined,
  }))
  .describe("How a write or an execute is sent.");

export const serial = z
  .strictObject({
    baudRate: z.int().min(50).max(4_000_000).default(9600).describe("Bits a second."),
    dataBits: z.literal([5, 6, 7, 8]).default(8).describe("Data bits of a character."),
    parity: z.enum(["none", "even", "odd", "mark", "space"]).default("none").describe("Parity bit."),
    stopBits: z.literal([1, 1.5, 2]).default(1).describe("Stop bits."),
    framing,
    checksum: checksum.optional(),
    messages: z
      .record(name, message)
      .refine((messages) => Object.keys(messages).length > 0, { error: "must have at least one message" })
      .describe("The kinds of frames. A frame is decoded by the first one that matches it."),
    polls: z.array(poll).max(64).default([]).describe("For devices that speak only when spoken to."),
    commands: z.record(name, command).default({}).describe("Resource to how it is written or executed."),
  })
  .describe("What the device says on a serial line.");

export type SerialSection = z.output<typeof serial>;
export type CommandSection = z.output<typeof command>;
export type PollSection = z.output<typeof poll>;
