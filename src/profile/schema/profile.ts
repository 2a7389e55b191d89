import { z } from "zod";
import { coap } from "./coap.js";
import { name } from "./messages.js";
import { sample } from "./samples.js";
import { serial } from "./serial.js";
import { simulate } from "./simulate.js";

/** Words that a topic puts in a resource's place. */
const RESERVED = ["status"];

const resource = z
  .strictObject({
    type: z
      .enum(["number", "integer", "boolean", "string", "bytes"])
      .default("number")
      .describe("What it holds. For an execute: what its argument is."),
    unit: z
      .string()
      .min(1)
      .max(32)
      .optional()
      .describe("The unit, by its SenML name where there is one: Cel, %RH, hPa, V, A, W, kWh, lat, lon."),
    access: z
      .enum(["R", "W", "RW", "E"])
      .default("R")
      .describe("R: the device says it. W: it can be written. RW: both. E: it can be executed."),
    min: z
      .number()
      .optional()
      .describe("The smallest sound value: below it a reading is uncertain and a write is refused."),
    max: z
      .number()
      .optional()
      .describe("The largest sound value: above it a reading is uncertain and a write is refused."),
    description: z.string().optional().describe("What it is, for people."),
  })
  .superRefine((value, context) => {
    const numeric = value.type === "number" || value.type === "integer";
    for (const key of ["min", "max"] as const) {
      if (value[key] !== undefined && !numeric) {
        context.addIssue({ code: "custom", path: [key], message: "is for numbers only" });
      }
    }
    if (value.min !== undefined && value.max !== undefined && value.min > value.max) {
      context.addIssue({ code: "custom", path: ["min"], message: "must not be above max" });
    }
  })
  .describe("One named value of the device.");

export const profileSchema = z
  .strictObject({
    vendor: z.string().min(1).max(100).describe("Who makes the device."),
    model: z.string().min(1).max(100).describe("What the maker calls it."),
    description: z.string().optional().describe("What it is, in one line."),
    source: z.string().optional().describe("The public document that the profile was written from."),
    resources: z
      .record(
        name.refine((value) => !RESERVED.includes(value), {
          error: "is reserved: the topic of that name tells whether the device is online",
        }),
        resource,
      )
      .refine((resources) => Object.keys(resources).length > 0, { error: "must have at least one resource" })
      .describe("The named values of the device."),
    serial: serial.optional(),
    coap: coap.optional(),
    samples: z
      .array(sample)
      .max(1000)
      .default([])
      .describe("What the device sends and what it means: the profile's tests."),
    simulate: simulate.optional(),
  })
  .describe("A profile of Weir: what a model of device says and how.");

export type ProfileDocument = z.output<typeof profileSchema>;
