import { z } from "zod";
import { name } from "./messages.js";
import { duration } from "./text.js";

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "must be text, a number, true or false" });
const period = duration.prefault("60s").describe("How long one round takes.");
const decimals = z
  .int()
  .min(0)
  .max(9)
  .optional()
  .describe("Decimals of the value. A serial message rounds to what it can carry anyway.");

const range = z.strictObject({
  min: z.number().describe("The lowest value."),
  max: z.number().describe("The highest value."),
  period,
  decimals,
});

const generator = z
  .strictObject({
    constant: scalar.optional().describe("Always the same."),
    sine: range.optional().describe("Up and down between min and max."),
    ramp: range.optional().describe("From min to max, then from min again."),
    walk: range
      .optional()
      .describe("At random between min and max; about one swing a period. The seed decides the way."),
    counter: z
      .strictObject({
        start: z.number().default(0).describe("Where it begins."),
        perHour: z.number().min(0).describe("How much it counts in an hour."),
        decimals,
      })
      .optional()
      .describe("A meter that counts up."),
    choice: z
      .strictObject({ of: z.array(scalar).min(1).describe("The values, in their order."), period })
      .optional()
      .describe("One after the other; all of them in a period."),
  })
  .superRefine((value, context) => {
    const given = Object.values(value).filter((kind) => kind !== undefined).length;
    if (given !== 1) context.addIssue("must have exactly one of constant, sine, ramp, walk, counter, choice");
    for (const kind of ["sine", "ramp", "walk"] as const) {
      const { min, max } = value[kind] ?? { min: 0, max: 0 };
      if (min > max) {
        context.addIssue({ code: "custom", path: [kind, "min"], message: "must not be above max" });
      }
    }
  })
  .describe("Where a simulated value comes from.");

export const simulate = z
  .strictObject({
    every: duration.prefault("1s").describe("How often the device sends unasked."),
    sends: z
      .array(name)
      .optional()
      .describe(
        "The messages that it sends unasked, in this order. Left out: all that have a sample and answer nothing. A polled device has [].",
      ),
    values: z
      .record(name, generator)
      .default({})
      .describe("Resource to its generator. The others stay as the sample has them."),
  })
  .describe(
    "How the profile plays the device: it sends the first sample of every message, with these values written into it.",
  );

export type SimulateSection = z.output<typeof simulate>;
export type GeneratorSection = z.output<typeof generator>;
