import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** The root of the repository: compiled tests run from dist/test/. */
export const root = join(import.meta.dirname, "..", "..", "..");
export const casesFolder = join(root, "test", "cases", "gateway");

const Play = z.strictObject({
  /** Bytes for the ports of serial devices, by device id. `file` is relative to the root of the repository. */
  serial: z
    .record(
      z.string(),
      z.strictObject({
        file: z.string().optional(),
        hex: z.string().optional(),
        text: z.string().optional(),
        split: z.union([z.number(), z.literal("whole")]).default(32),
      }),
    )
    .default({}),
  /** Requests by libcoap's client, one after the other. */
  coap: z
    .array(
      z.strictObject({
        method: z.enum(["get", "put", "post", "delete"]).default("post"),
        path: z.string(),
        /** Content-Format as coap-client names it or as a number. */
        format: z.string().optional(),
        text: z.string().optional(),
        hex: z.string().optional(),
        confirmable: z.boolean().default(true),
        /** The response's code and what its diagnostic payload must contain. */
        expect: z.string(),
        diagnostic: z.string().optional(),
      }),
    )
    .default([]),
  /** Commands published at the upstream, one after the other; each waits for its result. */
  commands: z.array(z.strictObject({ topic: z.string(), payload: z.string() })).default([]),
  /** What a serial device must have been sent in the end, by device id: hex digits. */
  sent: z.record(z.string(), z.string()).default({}),
  /** What a serial device answers to what it is sent: hex digits. */
  answers: z.record(z.string(), z.array(z.strictObject({ to: z.string(), with: z.string() }))).default({}),
});

export type Play = z.output<typeof Play>;

export interface Case {
  readonly name: string;
  readonly folder: string;
  readonly config: string;
  readonly play: Play;
  /** `expected.txt`: the messages at the upstream, then the counters of what was discarded or refused. */
  readonly expected: string;
  /** A recording that this clone does not have. */
  readonly missing: string | undefined;
}

/** A folder is a test: weir.yaml, play.yaml and expected.txt. */
export function loadCases(): Case[] {
  return readdirSync(casesFolder).map((name) => {
    const folder = join(casesFolder, name);
    const play = Play.parse(parse(readFileSync(join(folder, "play.yaml"), "utf8")));
    const files = Object.values(play.serial).flatMap(({ file }) => (file === undefined ? [] : [file]));
    const expected = join(folder, "expected.txt");
    return {
      name,
      folder,
      config: join(folder, "weir.yaml"),
      play,
      expected: existsSync(expected) ? readFileSync(expected, "utf8") : "",
      missing: files.find((file) => !existsSync(join(root, file))),
    };
  });
}
