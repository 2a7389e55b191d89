import { z } from "zod";
import { isRange } from "../core/ip.js";
import { type AccessOverrides, listenerAccess } from "./access-schema.js";
import { type NetAddress, parseListener } from "./listener-url.js";
import { duration, flag, identifier, path, text, unless, whole } from "./scalars.js";
import { sessionLimits } from "./session-schema.js";

/** What the broker can be told of its listeners: the part of the one definition (schema.ts) that is under `broker`. */

const MAX_LISTENERS = 16;
const URL_TEXT = "must be a URL in text, such as tcp://127.0.0.1:1883";

const address = z.string(unless(URL_TEXT)).transform((written, context) => {
  const parsed = parseListener(written);
  if (typeof parsed !== "string") return parsed;
  context.addIssue({ code: "custom", message: parsed });
  return z.NEVER;
});

/** Of the simulator's second broker: nothing that takes files. */
export const plainListener = address.transform((parsed, context): NetAddress => {
  if (parsed.scheme === "tcp" || parsed.scheme === "ws") return parsed;
  context.addIssue({ code: "custom", message: "must begin with tcp:// or ws://" });
  return z.NEVER;
});

const tls = z.strictObject({
  cert: path
    .exactOptional()
    .describe("File with the server's certificate (PEM); others of its chain may follow in it."),
  key: path
    .exactOptional()
    .describe(
      "File with the key of that certificate (PEM, without passphrase). Only its owner should be able to read it.",
    ),
  chain: path.exactOptional().describe("File with the intermediate certificates (PEM), where cert has none."),
  clientCertificate: z
    .enum(["none", "optional", "required"])
    .default("none")
    .describe("Whether clients show a certificate of `ca`. One that is shown and not good is refused in any case."),
  ca: path.exactOptional().describe("File with the certificates (PEM) of the authorities whose clients are let in."),
  identity: z
    .enum(["cn", "san-dns", "san-uri", "san-email", "fingerprint", "none"])
    .default("cn")
    .describe(
      "Which part of a client's certificate is its user name: the common name, the first alternative name of a kind, or the " +
        "SHA-256 fingerprint (hex, lower case). `none`: the client says user name and password as well.",
    ),
  crl: z
    .union([path.transform((one) => [one]), z.array(path).max(64, "must list at most 64 files")])
    .prefault([])
    .describe("Files with revocation lists (PEM), one for each authority of a client's chain."),
  psk: path
    .exactOptional()
    .describe("File with pre-shared keys, one `identity:hexkey` a line. Only its owner should be able to read it."),
});

const MAX_RANGES = 64;
const range = text.refine(
  (one) => isRange(one),
  "must be an address or a range of them, such as 10.0.0.5 or 10.0.0.0/8",
);

const proxyProtocol = z.union(
  [
    flag,
    z.strictObject({
      from: z
        .array(range)
        .min(1, "must name an address")
        .max(MAX_RANGES, `must list at most ${MAX_RANGES} ranges`)
        .describe("Addresses of the proxies. Who connects from elsewhere is closed."),
    }),
  ],
  unless("must be true or false, or a section with from"),
);

const origin = text.refine(
  (one) => URL.canParse(one) && new URL(one).origin === one,
  "must be an origin, such as https://panel.example or http://10.0.0.7:8080",
);

const websocket = z.strictObject({
  path: text
    .regex(/^\/[!-~]{0,255}$/, "must be a path, such as /mqtt")
    .exactOptional()
    .describe("The only path that is served. Left out: any."),
  origins: z
    .array(origin)
    .max(64, "must list at most 64 origins")
    .exactOptional()
    .describe("Web pages that may connect, by their origin. Programs, which name none, may always. Left out: any."),
});

const entry = z
  .strictObject({
    url: address.describe("tcp://, tls:// (or mqtts://), ws://, wss:// or unix:/path. Port 0 takes a free one."),
    name: identifier("listener name").exactOptional().describe("Names the listener in the log. Left out: its url."),
    tls: tls.exactOptional().describe("With tls:// and wss://. Files that change are read again."),
    proxyProtocol: proxyProtocol
      .exactOptional()
      .describe(
        "A proxy in front tells the client's address (PROXY protocol, version 1 or 2). true: the proxy is on this machine.",
      ),
    access: z
      .strictObject(listenerAccess)
      .exactOptional()
      .describe("Who may come in here and what they may do, where it is not as for the whole broker."),
    websocket: websocket.exactOptional().describe("With ws:// and wss://."),
    mode: z
      .string(unless('must be text, such as "0660"'))
      .regex(/^0?[0-7]{3}$/, 'must be three octal digits, such as "0660"')
      .exactOptional()
      .describe('With unix: who may connect, as the permissions of the socket. Left out: "0660".'),
  })
  .transform(({ url, proxyProtocol, mode, ...rest }) => ({
    ...url,
    ...rest,
    ...(proxyProtocol === undefined || proxyProtocol === false ? {} : { proxies: proxiesOf(proxyProtocol) }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
  }));

export const listeners = z
  .array(z.union([address, entry], unless(`${URL_TEXT}, or a section with a url`)))
  .max(MAX_LISTENERS, `must list at most ${MAX_LISTENERS} listeners`)
  .prefault(["tcp://127.0.0.1:1883", "ws://127.0.0.1:8083"])
  .describe("Where MQTT clients connect: a URL, or a section with a url. docs/guide/listeners.md has examples.");

export const limits = z
  .strictObject({
    ...sessionLimits,
    connections: whole(1, 1_000_000).default(10_000).describe("Most connections at once, of all listeners together."),
    connectionsPerAddress: whole(1, 1_000_000)
      .default(1_024)
      .describe("Most connections at once from one address (IPv6: one /64). This machine's own have no such limit."),
    connectRate: whole(1, 1_000_000)
      .default(500)
      .describe("New connections a second, together; ten times as many may come at once. Not for this machine's own."),
    connectRatePerAddress: whole(1, 1_000_000).default(100).describe("The same for one address (IPv6: one /64)."),
    handshakes: whole(1, 100_000)
      .default(512)
      .describe(
        "Most connections at once that have not come to MQTT yet (TLS, WebSocket, PROXY protocol); one address has a quarter.",
      ),
    handshakeTimeout: duration(1_000, 600_000)
      .prefault("10s")
      .describe("The longest that a TLS handshake, and the request for a WebSocket, may take."),
  })
  .prefault({})
  .describe("What protects the broker. Connections beyond a limit are closed at once and counted.");

/** Those of this machine. */
const LOOPBACK = ["127.0.0.0/8", "::1/128"] as const;

function proxiesOf(proxyProtocol: true | { readonly from: readonly string[] }): readonly string[] {
  return proxyProtocol === true ? LOOPBACK : proxyProtocol.from;
}

export type ListenerTls = Readonly<Omit<z.output<typeof tls>, "crl">> & { readonly crl: readonly string[] };
/** A listener with its parts. `proxies`: the ranges from which the PROXY protocol is spoken. `mode`: permissions as a number. */
export type ListenerConfig = z.output<typeof address> & {
  readonly name?: string;
  readonly tls?: ListenerTls;
  readonly proxies?: readonly string[];
  readonly access?: AccessOverrides;
  readonly websocket?: Readonly<z.output<typeof websocket>>;
  readonly mode?: number;
};
export type LimitsConfig = Readonly<z.output<typeof limits>>;
