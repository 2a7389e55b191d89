import { z } from "zod";
import { DURATION, formatDuration, LONGEST_TIMER, parseDuration } from "../core/duration.js";

/** What says a value is of the wrong kind, but leaves "is missing" to the wording of every other key. */
export function unless(message: string): { error: (issue: { readonly input?: unknown }) => string | undefined } {
  return { error: (issue) => (issue.input === undefined ? undefined : message) };
}

export const flag = z.boolean(unless("must be true or false"));
export const text = z.string(unless("must be text (put a number or true/false in quotes)"));
export const name = text.min(1, "must not be empty").max(1024, "must be at most 1024 characters long");
export const path = text.min(1, "must not be empty").max(4096, "must be at most 4096 characters long");

/** A whole number with both bounds allowed. */
export function whole(min: number, max: number) {
  const range = `must be between ${min} and ${max}`;
  return z.int(unless("must be a whole number")).min(min, range).max(max, range);
}

/** Text with a unit (`500ms`, `10s`, `5m`, `1h`, `1d`) in the file; ms in the result. Both bounds are in ms and allowed. */
export function duration(min = 0, max = LONGEST_TIMER) {
  const hint = "must be a duration with its unit, such as 500ms, 10s, 5m, 1h or 1d";
  return z
    .string(unless(hint))
    .regex(DURATION, hint)
    .transform((text, context) => {
      const ms = parseDuration(text) ?? Number.NaN;
      if (ms >= min && ms <= max) return ms;
      const range = `must be between ${formatDuration(min)} and ${formatDuration(max)}`;
      context.addIssue({ code: "custom", message: range });
      return z.NEVER;
    })
    .meta({ title: "duration", examples: ["500ms", "10s", "5m"] });
}

const SIZE = /^(\d{1,12}(?:\.\d{1,3})?)(B|kB|MB|GB|KiB|MiB|GiB)$/;
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** A size in bytes, or undefined if the text is not one. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const unit = SIZE_UNITS[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** A size as a person writes it: the largest binary unit that leaves a whole number. */
export function formatSize(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const factor = SIZE_UNITS[unit] ?? 1;
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** Text with a unit (`64MiB`, `10kB`) in the file; bytes in the result. Bounds in bytes. */
export function size(min: number, max: number) {
  const hint = "must be a size with its unit, such as 512B, 10kB or 64MiB";
  return z
    .string(unless(hint))
    .regex(SIZE, hint)
    .transform((text, context) => {
      const bytes = parseSize(text) ?? Number.NaN;
      if (bytes >= min && bytes <= max) return bytes;
      context.addIssue({ code: "custom", message: `must be between ${formatSize(min)} and ${formatSize(max)}` });
      return z.NEVER;
    })
    .meta({ title: "size", examples: ["64MiB", "10kB"] });
}

/** The same as `validName` of core/topics.ts, as a pattern, so that the JSON Schema has it. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Text that fits one MQTT topic level, a file name and a log line. */
export function identifier(what: string) {
  const hint = `must be a ${what}: 1 to 64 of A-Z a-z 0-9 . _ -`;
  return z.string(unless(`${hint}, as text (put a number in quotes)`)).regex(NAME, hint);
}

/** `status` is the availability topic's (core/topics.ts). */
export const resourceName = identifier("resource name").refine((name) => name !== "status", {
  error: "must not be status: that is the device's availability",
});

export const qos = z.literal([0, 1, 2], unless("must be 0, 1 or 2"));
