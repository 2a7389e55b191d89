import { once } from "node:events";
import { connect } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";

/** A client that does what it is told, right or wrong. */
export interface RawClient {
  /** All that came so far. */
  readonly heard: readonly Packet[];
  readonly closed: boolean;
  /** Bytes go out as they are. */
  send(...packets: (Packet | Uint8Array)[]): void;
  /** Until all that was sent is dealt with: a ping is answered. */
  settled(): Promise<void>;
  /** Closes the connection, without a DISCONNECT. */
  drop(): Promise<void>;
}

export async function rawClient(port: number, protocolVersion: 4 | 5 = 4): Promise<RawClient> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const heard: Packet[] = [];
  const parse = parser({ protocolVersion });
  let pongs = 0;
  let changed = (): void => {};
  parse.on("packet", (packet) => {
    heard.push(packet);
    if (packet.cmd === "pingresp") pongs += 1;
    changed();
  });
  socket.on("data", (chunk) => parse.parse(chunk));
  socket.on("error", () => {}); // its "close" follows
  socket.on("close", () => changed());
  const send = (...packets: (Packet | Uint8Array)[]): void => {
    socket.write(
      Buffer.concat(packets.map((each) => (each instanceof Uint8Array ? each : generate(each, { protocolVersion })))),
    );
  };
  return {
    heard,
    get closed() {
      return socket.closed;
    },
    send,
    settled: () =>
      new Promise((resolve) => {
        const wanted = pongs + 1;
        changed = () => {
          if (pongs >= wanted || socket.closed) resolve();
        };
        send({ cmd: "pingreq" });
      }),
    drop: async () => {
      if (socket.closed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    },
  };
}
