import { z } from "zod";
import { type CoapUri, parseCoapUri } from "../../src/protocols/coap/index.js";
import { type DtlsSettings, dtls } from "./dtls/config.js";
import { type PubSubSettings, pubsubSettings } from "./pubsub/config.js";

/** Where the adapter listens, and what it takes. */
export interface Settings {
  /** `udp://host:port` or `dtls://host:port`; a port left out is 5683, or 5684 (RFC 7252 6.1, 6.2). */
  readonly listen: readonly string[];
  /** The largest body of a request or an answer, in bytes, also of one that comes in blocks. */
  readonly maxPayload: number;
  /** Requests that wait at one time until their readings are stored. */
  readonly maxPending: number;
  /** Whom large answers go to over UDP (RFC 9175 2.4). */
  readonly echo: "amplification" | "always" | "off";
  /** Interfaces on which what is sent to all CoAP nodes is heard: names, all of them, or none. */
  readonly multicast: boolean | readonly string[];
  readonly dtls: DtlsSettings | undefined;
  /** Undefined: nobody publishes or subscribes through CoAP. */
  readonly pubsub?: PubSubSettings | undefined;
}

/** Where a device is: it posts to the gateway, or it is a server that the gateway asks. */
export interface Address {
  /** The segments of the path that it posts to. Undefined: its id is its path. */
  readonly path: readonly string[] | undefined;
  /** Undefined: its id. */
  readonly identity: string | undefined;
  /** Where it is asked; what it is asked for is below the path. Undefined: it posts. */
  readonly server: CoapUri | undefined;
}

export interface ListenAddress {
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = { udp: 5683, dtls: 5684 } as const;
const LISTEN = /^(udp|dtls):\/\/(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._-]+)?\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?$/;
const LISTENED = "must be udp://address:port or dtls://address:port, such as udp://0.0.0.0:5683 or dtls://[::]:5684";
const MAX_LISTENERS = 16;

const listener = z
  .string({ error: LISTENED })
  .regex(LISTEN, LISTENED)
  .refine((url) => !LISTEN.test(url) || listenAddress(url).port <= 65_535, "must have a port up to 65535");

export const settings: z.ZodType<Settings> = z
  .strictObject({
    listen: z
      .union([listener, z.array(listener).min(1).max(MAX_LISTENERS)])
      .default("udp://127.0.0.1:5683")
      .transform((given): readonly string[] => (typeof given === "string" ? [given] : given))
      .describe(
        "Where CoAP devices post to, one or a list. udp://0.0.0.0:5683 is every address of this machine: whoever reaches it can " +
          "post. dtls://0.0.0.0:5684 lets in those who prove who they are: see dtls.",
      ),
    maxPayload: z
      .int()
      .min(64)
      .max(1_048_576)
      .default(65_536)
      .describe("The largest body of a request or an answer, in bytes, also of one that comes in blocks (RFC 7959)."),
    maxPending: z
      .int()
      .min(1)
      .max(65_536)
      .default(1024)
      .describe("Requests that may wait until their readings are stored. More are answered 5.03: try again later."),
    echo: z
      .enum(["amplification", "always", "off"])
      .default("amplification")
      .describe(
        "Over UDP, whom a long answer goes to, as addresses can be forged: amplification sends small blocks until the address is proved; " +
          "always asks for a proof before any long answer; off trusts every address, for clients that know neither blocks nor Echo.",
      ),
    multicast: z
      .union([z.boolean(), z.array(z.string().min(1).max(64)).min(1).max(64)])
      .default(false)
      .describe(
        "Whether the gateway answers those who look for CoAP servers (groups 224.0.1.187, ff02::fd, ff05::fd), on all interfaces or on " +
          "the named ones. For udp:// listeners.",
      ),
    dtls: dtls.optional(),
    pubsub: pubsubSettings,
  })
  .transform(({ dtls: secured, ...rest }): Settings => ({ ...rest, dtls: secured }))
  .describe("CoAP over UDP and DTLS (RFC 7252): devices post readings to the gateway, or are asked by it.");

/** Of a URL that the pattern accepted. */
export function listenAddress(url: string): ListenAddress {
  const [, scheme, host = "", port] = LISTEN.exec(url) ?? [];
  const secure = scheme === "dtls";
  const usual = DEFAULT_PORT[secure ? "dtls" : "udp"];
  return { secure, host: host.replace(/^\[|\]$/g, ""), port: port === undefined ? usual : Number(port.slice(1)) };
}

const path = z
  .string()
  .max(200, "must be 200 characters at most")
  .regex(
    /^\/?[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){0,3}$/,
    "must be 1 to 4 segments of A-Z a-z 0-9 . _ ~ - such as plant/air, none of them beginning with a dot",
  )
  .describe("The path that the device posts to, if it is not its id: plant/air for coap://gateway/plant/air.");

const URL_FORM = "must be coap://host or coaps://host, with a port and a path where they are not the usual ones";

const url = z
  .string({ error: URL_FORM })
  .max(1024)
  .transform((text, context): CoapUri => {
    const parsed = parseCoapUri(text);
    if (parsed.ok && parsed.uri.query.length === 0) return parsed.uri;
    context.addIssue(URL_FORM);
    return z.NEVER;
  })
  .describe(
    "Of a device that is a CoAP server: coap://192.168.1.20, or coaps://sensor.local:5684/base. The gateway asks it what its profile says.",
  );

/** A text is one or the other: the words about what is wrong are those of the one that was meant. */
const place = z
  .string()
  .transform((text, context) => {
    const isUrl = /^[a-z]+:/i.test(text);
    const read = isUrl ? url.safeParse(text) : path.safeParse(text);
    if (!read.success) {
      for (const { message } of read.error.issues) context.addIssue(message);
      return z.NEVER;
    }
    return typeof read.data === "string" ? { path: read.data, url: undefined } : { path: undefined, url: read.data };
  })
  .transform((given) => ({ ...given, identity: undefined }))
  .describe("The path that the device posts to, or the URL where it is asked.");

const identity = z
  .string()
  .min(1, "must not be empty")
  .max(256, "must be 256 characters at most")
  .transform((text, context) => {
    if (!/^sha256:/i.test(text)) return text;
    const digits = text.slice("sha256:".length).replaceAll(":", "").toLowerCase();
    if (/^[0-9a-f]{64}$/.test(digits)) return `sha256:${digits}`;
    context.addIssue("must be sha256: and 64 hexadecimal digits");
    return z.NEVER;
  })
  .describe(
    "Who the device must prove to be over DTLS, if that is not its id: the identity of its pre-shared key, a name of its certificate, " +
      "or sha256: and the fingerprint of its certificate or raw public key. Several devices may have the same one.",
  );

const fields = z
  .strictObject({ path: path.optional(), url: url.optional(), identity: identity.optional() })
  .refine((given) => given.path === undefined || given.url === undefined, {
    error: "must have either path, of a device that posts, or url, of one that is asked",
  });

export const address: z.ZodType<Address> = z
  .union([place, fields])
  .optional()
  .transform((given): Address => {
    const segments = given?.path?.replace(/^\//, "").split("/");
    return { path: segments, identity: given?.identity, server: given?.url };
  })
  .describe(
    "Where the device is. May be left out: then it posts to /<its id>. A path: it posts there. A coap:// URL: it is asked.",
  );
