import { z } from "zod";
import { type CoapUri, parseCoapUri } from "../../protocols/coap/index.js";
import { FORMS } from "../forms/formats.js";
import { writtenValue } from "./fields.js";
import { message, name } from "./messages.js";
import { BYTES_KEYS, duration, spelled, spellings } from "./text.js";

/** Where on a device something is: `/sensors/climate?unit=c`. */
export interface CoapPath extends Pick<CoapUri, "path" | "query"> {
  /** As it is written, with one slash before it: what a sample names it by. */
  readonly text: string;
}

const PATH = "must be a path such as /sensors/climate or /light?channel=1, percent-coded like a URI";

export const coapPath = z
  .string({ error: PATH })
  .max(1024)
  .transform((written, context): CoapPath => {
    const text = `/${written.replace(/^\//, "")}`;
    const parsed = parseCoapUri(`coap://device${text}`);
    if (parsed.ok) return { path: parsed.uri.path, query: parsed.uri.query, text };
    context.addIssue(PATH);
    return z.NEVER;
  });

const form = z.enum(FORMS);
const accept = z
  .union([form, z.int().min(0).max(65_535)], { error: `must be one of ${FORMS.join(", ")}, or a number` })
  .optional();

/** How the values stand in a payload that is none of the usual forms: the same layouts as of frames. */
const { binary, text, delimited, keyValue, json } = message.shape;
const LAYOUTS = { binary, text, delimited, keyValue, json };
const LAYOUT_KEYS = ["binary", "text", "delimited", "keyValue", "json"] as const;

const read = z
  .strictObject({
    path: coapPath.describe("Where it is on the device: /sensors/climate."),
    how: z
      .enum(["observe", "poll", "get"])
      .describe(
        "observe: the device says when it changes (RFC 7641); poll: it is asked every so often; get: only when a command reads it.",
      ),
    every: duration
      .optional()
      .describe(
        "poll: how often it is asked. observe: how long the device may be silent before the observation is renewed, 4m if left " +
          "out; also how often a device that cannot be observed is asked.",
      ),
    accept: accept.describe("The Content-Format that is asked for: a name or a number. Left out: the device chooses."),
    contentFormat: accept.describe("What its payload is taken for where the device does not say: a name or a number."),
    resource: name
      .optional()
      .describe(
        "The payload is the value of this resource: text, JSON, CBOR or SenML. Left out, without a layout as well: it is an " +
          "object of resources, or a SenML pack.",
      ),
    ...LAYOUTS,
  })
  .superRefine((value, context) => {
    const problem = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    if (value.how === "poll" && value.every === undefined) problem("how", "needs every: how often it is asked");
    if (value.how === "get" && value.every !== undefined) problem("every", "is for poll and observe");
    if (value.every !== undefined && value.every < 1000) problem("every", "must be at least 1s");
    const layout = LAYOUT_KEYS.find((key) => value[key] !== undefined);
    if (value.resource !== undefined && layout !== undefined)
      problem(layout, "is for payloads of several resources: remove resource, or remove this");
  })
  .describe("Something that the gateway asks the device for.");

const command = z
  .strictObject({
    path: coapPath.describe("Where it is on the device: /actuators/relay."),
    method: z.enum(["put", "post"]).optional().describe("Left out: put for a write, post for an execute."),
    format: form.default("text").describe("How the value is written, and the Content-Format that says so."),
    contentFormat: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe("Another Content-Format, by its number, for a payload that is none of these."),
    ...BYTES_KEYS,
    value: writtenValue.optional(),
  })
  .superRefine((value, context) => {
    if (spellings(value) > 1) context.addIssue("must have at most one of hex, text, lines");
    if (spellings(value) === 0 && value.value !== undefined)
      context.addIssue({ code: "custom", path: ["value"], message: "is for a payload given as hex, text or lines" });
  })
  .transform(({ hex, text, lines, ...rest }) => ({
    ...rest,
    request: spellings({ hex, text, lines }) === 0 ? undefined : spelled({ hex, text, lines }),
    isText: hex === undefined,
  }))
  .describe(
    "How a write or an execute is sent. Without hex, text or lines the payload is the value alone, written as `format` says. In a " +
      "text of format json, {value} becomes a JSON value, a text with its quotes.",
  );

export const coap = z
  .strictObject({
    format: form.default("json").describe("How the device writes its readings when it posts them."),
    post: z
      .enum(["device", "resource"])
      .default("device")
      .describe(
        "device: all values in one request to /{device}; resource: one request a value to /{device}/{resource}. text needs resource.",
      ),
    reads: z
      .array(read)
      .max(64)
      .default([])
      .describe("For devices that are CoAP servers: what the gateway asks them for."),
    commands: z
      .record(name, command)
      .default({})
      .describe("For devices that are CoAP servers: resource to how it is written or executed."),
  })
  .superRefine((value, context) => {
    if (value.format === "text" && value.post === "device" && value.reads.length === 0) {
      context.addIssue({
        code: "custom",
        path: ["post"],
        message: "must be resource for format text: a text carries one value",
      });
    }
  })
  .describe(
    "What the device says over CoAP. Of one that posts the gateway takes every format: `format` and `post` are what the simulated " +
      "device uses. One with an address of its own is asked as `reads` and `commands` say.",
  );

export type CoapSection = z.output<typeof coap>;
export type CoapReadSection = z.output<typeof read>;
export type CoapCommandSection = z.output<typeof command>;
