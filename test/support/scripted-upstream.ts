import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from "mqtt-packet";

/** A PUBLISH as it came, sent again or not. */
export interface Arrival {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly dup: boolean;
  readonly properties: IPublishPacket["properties"];
  /** ms from any fixed start. */
  readonly at: number;
}

export interface ScriptedUpstream {
  readonly url: string;
  /** Every CONNECT that came. */
  readonly connects: readonly IConnectPacket[];
  /** Every PUBLISH that came, without what gateways say about themselves. */
  readonly arrivals: readonly Arrival[];
}

export interface Script {
  /** Whether CONNECT is accepted. */
  welcome?(packet: IConnectPacket): boolean;
  /** What becomes of a PUBLISH; left out, it is acknowledged. `ignore`: it is left without an answer. */
  answer?(arrival: Arrival): "acknowledge" | "ignore" | "close";
}

/** An upstream that does what the test says and knows no sessions, on a port of its own until the test ends. */
export async function startScriptedUpstream(t: TestContext, script: Script = {}): Promise<ScriptedUpstream> {
  const connects: IConnectPacket[] = [];
  const arrivals: Arrival[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // its "close" follows
    const parse = parser();
    let version: 4 | 5 = 4;
    const send = (packet: Packet): void => void socket.write(generate(packet, { protocolVersion: version }));
    parse.on("error", () => socket.destroy());
    parse.on("packet", (packet) => {
      // A chunk may hold packets behind the one that the connection ended with.
      if (socket.destroyed) return;
      const { messageId = 0 } = packet;
      switch (packet.cmd) {
        case "connect": {
          connects.push(packet);
          version = packet.protocolVersion === 5 ? 5 : 4;
          const welcome = script.welcome?.(packet) ?? true;
          const code = welcome ? 0 : version === 5 ? 0x86 : 4;
          send({
            cmd: "connack",
            sessionPresent: false,
            ...(version === 5 ? { reasonCode: code } : { returnCode: code }),
          });
          if (!welcome) socket.end();
          return;
        }
        case "publish": {
          const { topic, payload, qos, dup, properties } = packet;
          const arrival = { topic, payload: payload.toString(), qos, dup, properties, at: performance.now() };
          const own = topic.includes("$gateway");
          if (!own) arrivals.push(arrival);
          const answer = own ? "acknowledge" : (script.answer?.(arrival) ?? "acknowledge");
          if (answer === "close") socket.destroy();
          else if (answer === "acknowledge" && qos > 0) send({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
          return;
        }
        case "pubrel":
          return send({ cmd: "pubcomp", messageId });
        case "subscribe":
          return send({ cmd: "suback", messageId, granted: packet.subscriptions.map(({ qos }) => qos) });
        case "pingreq":
          return send({ cmd: "pingresp" });
        case "disconnect":
          socket.end();
      }
    });
    socket.on("data", (chunk) => parse.parse(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, connects, arrivals };
}
