import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";

/** Stands between a device and a server as a NAT does: the server sees a port of its own, and only one at a time. */
export interface Nat {
  /** Where the device sends to. */
  readonly port: number;
  /** It forgets the device: from now on the server sees another port, and what it sends to the old one is lost. */
  rebind(): Promise<void>;
}

export async function startNat(t: TestContext, serverPort: number): Promise<Nat> {
  const front = await bound();
  let device: number | undefined;
  const openBack = async (): Promise<Socket> => {
    const back = await bound();
    back.on("message", (bytes) => {
      if (device !== undefined) front.send(bytes, device, "127.0.0.1");
    });
    return back;
  };
  let back = await openBack();
  front.on("message", (bytes, { port }) => {
    device = port;
    back.send(bytes, serverPort, "127.0.0.1");
  });
  t.after(() => {
    front.close();
    back.close();
  });
  return {
    port: front.address().port,
    rebind: async () => {
      const old = back;
      back = await openBack();
      old.close();
    },
  };
}

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
