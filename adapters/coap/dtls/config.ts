import { z } from "zod";
import { LONGEST_TIMER, parseDuration } from "../../../src/core/duration.js";

/** What the gateway proves who it is with over DTLS, and whom it believes. */
export interface DtlsSettings {
  /** Files. */
  readonly psk: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  /** SHA-256 of raw public keys, lower-case hexadecimal. */
  readonly trusted: readonly string[];
  readonly requireClientCertificate: boolean;
  /** Nothing is taken over plain UDP. */
  readonly required: boolean;
  /** Bytes of a connection id; 0: none. */
  readonly cid: number;
  readonly sessions: number;
  /** ms */
  readonly idle: number;
}

const file = z.string().min(1, "must not be empty").max(4096, "must be 4096 characters at most");
const FINGERPRINT = "must be sha256: and 64 hexadecimal digits";
const IDLE = "must be between 1m and 24d, such as 1h";
const DAY = 86_400_000;

export const dtls: z.ZodType<DtlsSettings> = z
  .strictObject({
    psk: file
      .optional()
      .describe("File with lines of identity:hexkey, a pre-shared key for each device. Read again when it changes."),
    cert: file
      .optional()
      .describe(
        "File with the gateway's certificate (PEM, EC P-256 or P-384) and what leads to its authority. Read again when it changes.",
      ),
    key: file
      .optional()
      .describe(
        "File with the gateway's private key (PEM). Without cert the gateway shows its raw public key (RFC 7250).",
      ),
    ca: file
      .optional()
      .describe("File with the authorities whose certificates are believed (PEM). Read again when it changes."),
    trusted: z
      .array(
        z
          .string()
          .regex(/^sha256:(?:[0-9a-f]{2}:?){32}$/i, FINGERPRINT)
          .transform((text) => text.slice("sha256:".length).replaceAll(":", "").toLowerCase()),
      )
      .max(100_000)
      .default([])
      .describe("Fingerprints of the raw public keys that are believed: sha256: and the hexadecimal digits."),
    requireClientCertificate: z
      .boolean()
      .default(true)
      .describe(
        "false: a device without a certificate may open a session, and reads nothing and posts nothing of devices in it.",
      ),
    required: z.boolean().default(false).describe("true: no device can post over plain UDP."),
    cid: z
      .int()
      .refine((bytes) => bytes === 0 || (bytes >= 4 && bytes <= 20), "must be 0, or 4 to 20")
      .default(8)
      .describe(
        "Bytes of the connection ids (RFC 9146) by which a session outlasts a change of the device's address. 0: none.",
      ),
    sessions: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe("Open sessions. Beyond, the one goes that was silent longest."),
    idle: z
      .string({ error: IDLE })
      .default("1d")
      .transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms >= 60_000 && ms <= LONGEST_TIMER) return ms;
        context.addIssue(IDLE);
        return DAY;
      })
      .describe("How long a session may be silent before it ends. A device then begins anew by itself."),
  })
  .superRefine(({ psk, cert, key, ca, trusted }, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (cert !== undefined && key === undefined) problem("cert", "needs key, its private key");
    if (psk === undefined && key === undefined)
      problem("psk", "is missing, and so is key: nobody could prove anything");
    if (key !== undefined && psk === undefined && ca === undefined && trusted.length === 0)
      problem("ca", "is missing, and so are trusted and psk: no device would be believed");
  })
  .transform(({ psk, cert, key, ca, ...rest }): DtlsSettings => ({ psk, cert, key, ca, ...rest }))
  .describe("DTLS 1.2 (RFC 6347), for dtls:// listeners and coaps:// devices.");

export function absoluteFiles(settings: DtlsSettings, resolve: (path: string) => string): DtlsSettings {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const { psk, cert, key, ca } = settings;
  return { ...settings, psk: absolute(psk), cert: absolute(cert), key: absolute(key), ca: absolute(ca) };
}
