import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type FrameCounter, frameCounter } from "./frames.js";

/** Stands between a bridge and its upstream and counts what goes by. One connection after another. */
export interface CountingProxy {
  readonly port: number;
  /** Of the connection that is there, towards the upstream and back. Undefined before there was one. */
  readonly up: FrameCounter | undefined;
  readonly down: FrameCounter | undefined;
  close(): Promise<void>;
}

export async function countingProxy(upstream: number): Promise<CountingProxy> {
  let up: FrameCounter | undefined;
  let down: FrameCounter | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(upstream, "127.0.0.1");
    const [upward, downward] = [frameCounter(), frameCounter()];
    [up, down] = [upward, downward];
    near.on("data", (chunk: Uint8Array) => upward.take(chunk));
    far.on("data", (chunk: Uint8Array) => downward.take(chunk));
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    port: address.port,
    get up() {
      return up;
    },
    get down() {
      return down;
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
