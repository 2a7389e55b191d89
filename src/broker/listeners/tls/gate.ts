import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { ListenerTls } from "../../../config/index.js";
import type { Journal } from "../../../core/journal.js";
import { identityOf } from "./identity.js";
import { Keys } from "./keys.js";
import { readMaterial } from "./material.js";
import { Watch } from "./watch.js";

export interface GateOptions {
  readonly tls: ListenerTls;
  readonly at: string;
  readonly journal: Journal;
  /** ms since the epoch. */
  readonly now: () => number;
  /** How often the files are looked at, in ms. */
  readonly every: number;
}

/** What became of a handshake. */
export interface GateEvents {
  readonly secured: (stream: TLSSocket, proven: string | undefined) => void;
  readonly failed: (reason: "tls" | "certificate" | "identity", why: string) => void;
}

export interface TlsGate {
  /** Begins a handshake. The caller bounds its time, and destroys the socket to end it. */
  enter(socket: Socket, events: GateEvents): void;
  close(): Promise<void>;
}

/** TLS in front of connections that somebody else accepts. Rejects with CERTIFICATE_INVALID. */
export async function openTlsGate(options: GateOptions): Promise<TlsGate> {
  const { tls } = options;
  const material = await readMaterial(tls);
  const keys = new Keys(material.keys, tls.cert !== undefined);
  const waiting = new Map<string, GateEvents>();
  const server = createServer({
    ...material.context,
    requestCert: tls.clientCertificate !== "none",
    // Node would close without a word of why: `judge` refuses.
    rejectUnauthorized: false,
    ...(tls.psk === undefined ? {} : { pskCallback: (socket: TLSSocket, name: string) => keys.keyOf(socket, name) }),
  });
  const take = (stream: Socket): GateEvents | undefined => {
    const events = waiting.get(nameOf(stream));
    waiting.delete(nameOf(stream));
    return events;
  };
  server.on("secureConnection", (stream) => {
    const events = take(stream);
    if (events === undefined) return void stream.destroy(); // its socket has closed
    const verdict = judge(stream, tls, keys);
    if ("proven" in verdict) return events.secured(stream, verdict.proven);
    stream.destroy();
    events.failed(verdict.reason, verdict.why);
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, stream) =>
    take(stream)?.failed("tls", error.code ?? "the handshake failed"),
  );
  const watch = new Watch(material, {
    ...options,
    renewed: ({ context, keys: table }) => {
      server.setSecureContext(context);
      keys.replace(table);
    },
  });
  return {
    enter: (socket, events) => {
      const name = nameOf(socket);
      waiting.set(name, events);
      socket.once("close", () => {
        if (!waiting.delete(name)) return;
        events.failed("tls", "it closed during the handshake");
      });
      server.emit("connection", socket);
    },
    close: () => watch.stop(),
  };
}

/** Of the two ends of a connection there are no two at a time: what TLS wraps has them too. */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

type Judgement =
  | { readonly proven: string | undefined }
  | { readonly reason: "certificate" | "identity"; readonly why: string };

/** Whom a handshake proved. */
function judge(stream: TLSSocket, tls: ListenerTls, keys: Keys): Judgement {
  const named = keys.provenBy(stream);
  if (named !== undefined) return { proven: named };
  const certificate = tls.clientCertificate === "none" ? undefined : stream.getPeerX509Certificate();
  if (certificate === undefined) {
    const needed = tls.clientCertificate === "required" || tls.cert === undefined;
    return needed ? { reason: "certificate", why: "it shows no certificate" } : { proven: undefined };
  }
  // OpenSSL's word for it (CERT_REVOKED): Node's types say Error, and it is text.
  if (!stream.authorized) return { reason: "certificate", why: String(stream.authorizationError) };
  const proven = identityOf(certificate, tls.identity);
  if (proven === undefined && tls.identity !== "none")
    return { reason: "identity", why: `its certificate has no ${tls.identity} that is a user name` };
  return { proven };
}
