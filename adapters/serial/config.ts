import { z } from "zod";
import { LONGEST_TIMER, parseDuration } from "../../src/core/duration.js";
import type { SerialLine } from "../../src/profile/index.js";

/** Where a serial device is: on a port with a name, or on the one USB adapter that answers to these numbers. */
export type Place =
  | { readonly path: string }
  | { readonly vendorId: string; readonly productId: string; readonly serialNumber?: string };

export interface Address {
  readonly place: Place;
  /** What differs from the profile. */
  readonly line: { readonly [Key in keyof SerialLine]?: SerialLine[Key] | undefined };
  /** How often the device is asked, in place of every poll's own interval. In ms; undefined: as the profile says. */
  readonly pollEvery: number | undefined;
  /** Nothing received for so long means that the port is dead: it is opened anew. In ms; undefined: never. */
  readonly idle: number | undefined;
}

/** Nothing is set for all ports together: what a line needs is its profile's and its address' business. */
export type Settings = Readonly<Record<string, never>>;

export const settings: z.ZodType<Settings> = z
  .strictObject({})
  .describe("Serial ports. There is nothing to set for all of them: see the address of each device.");

const DURATION = "must be a duration with a unit, such as 500ms, 30s or 5m";

const duration = z.string({ error: DURATION }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 100 && ms <= LONGEST_TIMER) return ms;
  context.addIssue(ms === undefined ? DURATION : "must be between 100ms and 24d");
  return z.NEVER;
});

const path = z
  .string()
  .min(1, "must name a port, such as /dev/ttyUSB0")
  .max(4096, "must be 4096 characters at most")
  .refine((text) => !text.includes("\0"), "must not contain a NUL");

/** Written without quotes YAML reads 0403 as the number 403 and 1e10 as ten thousand million: so only text is taken. */
const usbNumber = z
  .string({ error: 'must be four hexadecimal digits in quotes, such as "0403"' })
  .regex(/^(0x)?[0-9a-f]{1,4}$/i, 'must be four hexadecimal digits in quotes, such as "0403"');

const fields = z
  .strictObject({
    path: path.optional().describe("The port: /dev/ttyUSB0, or better /dev/serial/by-id/..., which does not change."),
    vendorId: usbNumber
      .optional()
      .describe('The USB vendor, four hexadecimal digits in quotes ("0403"). See `weir ports`.'),
    productId: usbNumber.optional().describe('The USB product, four hexadecimal digits in quotes ("6001").'),
    serialNumber: z
      .string({ error: "must be text: put it in quotes" })
      .min(1, "must not be empty")
      .max(256, "must be 256 characters at most")
      .optional()
      .describe("The serial number of the USB adapter, where several of one kind are plugged in."),
    baudRate: z.int().min(50).max(4_000_000).optional().describe("Bits a second, in place of the profile's."),
    dataBits: z.literal([5, 6, 7, 8]).optional().describe("Data bits of a character, in place of the profile's."),
    parity: z.enum(["none", "even", "odd", "mark", "space"]).optional().describe("Parity, in place of the profile's."),
    stopBits: z.literal([1, 1.5, 2]).optional().describe("Stop bits, in place of the profile's."),
    pollEvery: duration
      .optional()
      .describe("How often the device is asked, in place of what the profile says for each of its polls: 60s."),
    idle: duration
      .optional()
      .describe(
        "Opens the port anew when nothing was received for so long. Only for a device that should talk. Off by default.",
      ),
  })
  .superRefine((given, context) => {
    const usb = given.vendorId !== undefined || given.productId !== undefined || given.serialNumber !== undefined;
    if (given.path !== undefined && usb) {
      context.addIssue({ code: "custom", message: "must have either path, or vendorId and productId, not both" });
    } else if (given.path === undefined && (given.vendorId === undefined || given.productId === undefined)) {
      context.addIssue({ code: "custom", message: "must have path, or both vendorId and productId" });
    }
  });

export const address: z.ZodType<Address> = z
  .union([path, fields])
  .transform((given): Address => {
    if (typeof given === "string") return { place: { path: given }, line: {}, pollEvery: undefined, idle: undefined };
    const { baudRate, dataBits, parity, stopBits, pollEvery, idle } = given;
    return { place: placeOf(given), line: { baudRate, dataBits, parity, stopBits }, pollEvery, idle };
  })
  .describe("Where the device is: the path of a port, or an object that names it by path or by USB numbers.");

function placeOf(given: z.output<typeof fields>): Place {
  if (given.path !== undefined) return { path: given.path };
  const usb = { vendorId: sameForm(given.vendorId ?? ""), productId: sameForm(given.productId ?? "") };
  return given.serialNumber === undefined ? usb : { ...usb, serialNumber: given.serialNumber };
}

/** Four lower-case digits, as the system gives them. */
export function sameForm(usbNumber: string): string {
  return usbNumber.toLowerCase().replace(/^0x/, "").padStart(4, "0");
}

/** One spelling of a place, for names and for finding two devices on one port. */
export function placeName(place: Place): string {
  if ("path" in place) return place.path;
  const { vendorId, productId, serialNumber } = place;
  return `usb:${vendorId}:${productId}${serialNumber === undefined ? "" : `:${serialNumber}`}`;
}
