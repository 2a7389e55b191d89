import { z } from "zod";
import { bytes } from "./text.js";

const place = z.union(
  [
    z.int(),
    z.literal("end"),
    z.strictObject({ before: bytes.describe("The place where these bytes begin.") }),
    z.strictObject({ after: bytes.describe("The place behind these bytes.") }),
  ],
  { error: 'must be a number of bytes (negative: from the end), "end", { before: "*" } or { after: "$" }' },
);

const crcParameters = z
  .strictObject({
    width: z.literal([8, 16, 32]).describe("Bits of the CRC."),
    poly: z.int().min(0).max(0xffffffff).describe("The polynomial without its highest term, not reflected."),
    init: z.int().min(0).max(0xffffffff).default(0).describe("The register at the start."),
    refin: z.boolean().default(false).describe("Whether the bits of each byte are fed lowest first."),
    refout: z.boolean().default(false).describe("Whether the register is reflected at the end."),
    xorout: z.int().min(0).max(0xffffffff).default(0).describe("What the result is combined with at the end."),
  })
  .describe("A CRC by its parameters, named as in the catalogue of CRC RevEng.");

export const checksum = z
  .strictObject({
    algorithm: z
      .union([z.string(), crcParameters], {
        error: "must be sum8, sum16, xor8, the name of a CRC such as CRC-16/MODBUS, or the parameters of a CRC",
      })
      .describe("sum8, sum16, xor8, a CRC by its customary name (CRC-16/MODBUS), or a CRC by its parameters."),
    complement: z
      .enum(["ones", "twos"])
      .optional()
      .describe("The sum is carried inverted (ones) or negated (twos). Only for sum8, sum16 and xor8."),
    from: place.default(0).describe("The first byte that is covered."),
    to: place
      .optional()
      .describe("Behind the last byte that is covered. Left out: where the checksum stands (`at`), or the end."),
    at: place.optional().describe("Where the frame carries the checksum. Left out: at its very end."),
    type: z
      .enum(["u8", "u16be", "u16le", "u32be", "u32le", "hex"])
      .optional()
      .describe(
        "How it is written; hex: as hexadecimal digits. Left out: u8, u16be or u32be by the algorithm's width.",
      ),
    equals: z
      .int()
      .min(0)
      .max(0xffffffff)
      .optional()
      .describe(
        "In place of `at`: a check byte is among the covered ones and makes the checksum come out as this number.",
      ),
    optional: z.boolean().default(false).describe("With type hex: a frame that has no digits there is taken as it is."),
  })
  .superRefine((value, context) => {
    if (value.equals !== undefined && (value.at !== undefined || value.type !== undefined)) {
      context.addIssue("cannot have both equals and a place (at, type)");
    }
    if (value.optional && value.type !== "hex") {
      context.addIssue({ code: "custom", path: ["optional"], message: "is for type hex only" });
    }
  })
  .describe("How a frame proves that it is whole.");

export type ChecksumSection = z.output<typeof checksum>;
export type PlaceSection = z.output<typeof place>;
