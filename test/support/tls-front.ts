import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import type { TestContext } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import type { Authority } from "./certificates.js";

/** Who connected. */
export interface Guest {
  /** Of its certificate, in upper case hex. */
  readonly serial: string;
  /** What was agreed on (ALPN). */
  readonly protocol: string | false | null;
}

export interface TlsFront {
  readonly port: number;
  readonly guests: readonly Guest[];
}

/** TLS that asks for certificates, in front of a port of this machine that has none. Ends with the test. */
export async function startTlsFront(
  t: TestContext,
  target: number,
  authority: Authority,
  alpn: readonly string[] = [],
): Promise<TlsFront> {
  const { cert, key } = authority.issue("front", 1);
  const guests: Guest[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: readFileSync(authority.ca),
    requestCert: true,
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  });
  server.on("tlsClientError", () => {}); // the client has it too
  server.on("secureConnection", (near) => {
    guests.push({ serial: near.getPeerCertificate().serialNumber, protocol: near.alpnProtocol });
    sockets.add(near);
    near.on("close", () => sockets.delete(near));
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      end.on("error", () => {}); // its "close" follows
      end.on("close", () => other.destroySoon());
      end.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, guests };
}
