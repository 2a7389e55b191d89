import { z } from "zod";
import { coapPath } from "./coap.js";
import { name } from "./messages.js";
import { BYTES_KEYS, ONE_SPELLING, spelled, spellings } from "./text.js";

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "must be text, a number, true or false" });

const expected = z
  .union(
    [
      scalar,
      z.strictObject({
        value: scalar.describe("The value."),
        quality: z.enum(["good", "uncertain", "bad"]).describe("Its quality."),
      }),
    ],
    {
      error: "must be the value, or { value, quality }",
    },
  )
  .describe("The value, or { value, quality } where the quality is not good. Bytes are written as hexadecimal digits.");

const frame = z.union([z.enum(["unmatched", "bad"]), z.record(name, expected)], {
  error: "must be resource: value, or the word unmatched or bad",
});

export const sample = z
  .strictObject({
    name: z.string().min(1).max(200).describe("What the sample shows, and where it was taken from."),
    path: coapPath
      .optional()
      .describe("The bytes are what the device answers over CoAP at this path, or the payload of a command there."),
    contentFormat: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        "The Content-Format that comes with that answer: 50 for JSON. Left out: the one that the profile says.",
      ),
    ...BYTES_KEYS,
    readings: z
      .union([frame, z.array(frame)], { error: "must be resource: value, or a list of these, one for each frame" })
      .optional()
      .describe(
        "All that the frame yields: resource to value. A list where the bytes hold several frames; unmatched or bad for a frame that yields nothing on purpose.",
      ),
    discards: z
      .partialRecord(z.enum(["noise", "checksum", "too_long", "malformed", "incomplete"]), z.int().min(1))
      .default({})
      .describe("How many bytes are discarded, by reason. Left out: none."),
    command: name.optional().describe("In place of readings: the bytes are what a command to this resource sends."),
    value: scalar.optional().describe("The value of that command."),
  })
  .superRefine((value, context) => {
    if (spellings(value) !== 1) context.addIssue(ONE_SPELLING);
    if ((value.readings === undefined) === (value.command === undefined)) {
      context.addIssue("must have either readings or command");
    }
    if (value.contentFormat !== undefined && (value.path === undefined || value.command !== undefined)) {
      context.addIssue({
        code: "custom",
        path: ["contentFormat"],
        message: "is for what a CoAP device answers: with path",
      });
    }
    if (value.value !== undefined && value.command === undefined) {
      context.addIssue({ code: "custom", path: ["value"], message: "is for a command only" });
    }
  })
  .transform(({ hex, text, lines, ...rest }) => ({ ...rest, bytes: spelled({ hex, text, lines }) }))
  .describe("Bytes of the device and what they mean. The profile's test, and what a simulated device sends.");

export type SampleSection = z.output<typeof sample>;
export type ExpectedFrame = z.output<typeof frame>;
