import type { Socket } from "node:net";
import { type ProxyHeader, readProxyHeader } from "./header.js";

type Verdict = Exclude<ProxyHeader, { state: "more" }>;

/**
 * Takes the header off a connection and leaves what follows in it, unread. The caller bounds the time; a connection that closes
 * before is never answered for.
 */
export function awaitProxyHeader(socket: Socket, done: (verdict: Verdict) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const take = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header.state === "more") continue;
      socket.off("readable", take);
      if (header.state === "done" && bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
      done(header);
      return;
    }
  };
  socket.on("readable", take);
}
