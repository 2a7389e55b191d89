import { z } from "zod";

/** Where the adapter listens, and what it takes. */
export interface Settings {
  /** `udp://host:port`; a port left out is 5683 (RFC 7252 6.1). */
  readonly listen: string;
  /** The largest body of a request, in bytes, also of one that comes in blocks. */
  readonly maxPayload: number;
  /** Requests that wait at one time until their readings are stored. */
  readonly maxPending: number;
}

/** Where a device posts to: the segments of its path. Undefined: its id is its path. */
export interface Address {
  readonly path: readonly string[] | undefined;
}

const DEFAULT_PORT = 5683;
const LISTEN = /^udp:\/\/(\[[0-9A-Fa-f:.]+(%[0-9A-Za-z._-]+)?\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?$/;

export const settings: z.ZodType<Settings> = z
  .strictObject({
    listen: z
      .string()
      .regex(LISTEN, "must be udp://address:port, such as udp://0.0.0.0:5683 or udp://[::]:5683")
      .refine((url) => !LISTEN.test(url) || listenAddress(url).port <= 65_535, "must have a port up to 65535")
      .default("udp://127.0.0.1:5683")
      .describe(
        "Where CoAP devices post to. udp://0.0.0.0:5683 is every address of this machine: whoever reaches it can post.",
      ),
    maxPayload: z
      .int()
      .min(64)
      .max(1_048_576)
      .default(65_536)
      .describe("The largest body of a request, in bytes, also of one that comes in blocks (RFC 7959)."),
    maxPending: z
      .int()
      .min(1)
      .max(65_536)
      .default(1024)
      .describe("Requests that may wait until their readings are stored. More are answered 5.03: try again later."),
  })
  .describe("CoAP over UDP (RFC 7252): devices post readings to the gateway.");

/** Of a URL that the pattern accepted: host without brackets, and port. */
export function listenAddress(url: string): { host: string; port: number } {
  const [, host = "", , port] = LISTEN.exec(url) ?? [];
  return { host: host.replace(/^\[|\]$/g, ""), port: port === undefined ? DEFAULT_PORT : Number(port.slice(1)) };
}

const path = z
  .string()
  .max(200, "must be 200 characters at most")
  .regex(
    /^\/?[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){0,3}$/,
    "must be 1 to 4 segments of A-Z a-z 0-9 . _ ~ - such as plant/air, none of them beginning with a dot",
  )
  .describe("The path that the device posts to, if it is not its id: plant/air for coap://gateway/plant/air.");

export const address: z.ZodType<Address> = z
  .union([path, z.strictObject({ path: path.optional() })])
  .optional()
  .transform((given): Address => {
    const text = typeof given === "string" ? given : given?.path;
    return { path: text?.replace(/^\//, "").split("/") };
  })
  .describe("Where the device posts to. May be left out: then it posts to /<its id>.");
