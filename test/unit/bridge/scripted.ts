import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet";

/** One connection to a scripted upstream. */
export interface Peer {
  /** From 1, in the order in which they came. */
  readonly number: number;
  readonly connect: IConnectPacket;
  /** All that came, CONNECT first. */
  readonly heard: readonly Packet[];
  readonly open: boolean;
  send(...packets: (Packet | Uint8Array)[]): void;
  /** Closes it after what was sent. */
  end(): void;
  destroy(): void;
  pause(): void;
}

/** Deals with a packet; anything but true leaves it to the usual answer. */
export type Script = (packet: Packet, peer: Peer) => unknown;

export interface Scripted {
  readonly urls: readonly string[];
  readonly port: number;
  readonly peers: readonly Peer[];
  /** Those of the bridge itself, not of its probes. */
  readonly own: readonly Peer[];
  /** All packets of that kind on all connections of the bridge itself. */
  all<C extends Packet["cmd"]>(cmd: C): Extract<Packet, { cmd: C }>[];
  close(): Promise<void>;
}

/** An upstream that answers as usual, unless its script says otherwise. It keeps no sessions and routes nothing. */
export async function playUpstream(t: TestContext, script: Script = () => false, port = 0): Promise<Scripted> {
  const peers: Peer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // its "close" follows
    serve(socket, script, peers);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  t.after(close);
  const own = (): Peer[] => peers.filter(({ connect }) => !connect.clientId.endsWith("-probe"));
  const { port: listening } = server.address() as AddressInfo;
  return {
    urls: [`tcp://127.0.0.1:${listening}`],
    port: listening,
    peers,
    get own() {
      return own();
    },
    all: <C extends Packet["cmd"]>(cmd: C) =>
      own().flatMap(({ heard }) => heard.filter((packet): packet is Extract<Packet, { cmd: C }> => packet.cmd === cmd)),
    close,
  };
}

function serve(socket: Socket, script: Script, peers: Peer[]): void {
  const parse = parser();
  const heard: Packet[] = [];
  let peer: Peer | undefined;
  parse.on("packet", (packet) => {
    heard.push(packet);
    if (packet.cmd === "connect") {
      const protocolVersion = packet.protocolVersion === 5 ? 5 : 4;
      peer = {
        number: peers.length + 1,
        connect: packet,
        heard,
        get open() {
          return !socket.destroyed;
        },
        send: (...packets) => {
          const bytes = packets.map((each) =>
            each instanceof Uint8Array ? each : generate(each, { protocolVersion }),
          );
          if (!socket.destroyed) socket.write(Buffer.concat(bytes));
        },
        end: () => void socket.end(),
        destroy: () => void socket.destroy(),
        pause: () => void socket.pause(),
      };
      peers.push(peer);
    }
    if (peer !== undefined && !socket.destroyed && script(packet, peer) !== true) answer(packet, peer);
  });
  parse.on("error", () => socket.destroy());
  socket.on("data", (chunk) => parse.parse(chunk));
}

/** As an upstream does that takes everything. */
export function answer(packet: Packet, peer: Peer): void {
  const reply = replyTo(packet);
  if (reply !== undefined) peer.send(reply);
  if (packet.cmd === "disconnect") peer.end();
}

function replyTo(packet: Packet): Packet | undefined {
  const messageId = packet.messageId ?? 0;
  switch (packet.cmd) {
    case "connect":
      return connack(packet);
    case "subscribe":
      return { cmd: "suback", messageId, granted: packet.subscriptions.map(({ qos }) => qos) };
    case "publish":
      return packet.qos === 0 ? undefined : { cmd: packet.qos === 1 ? "puback" : "pubrec", messageId };
    case "pubrel":
      return { cmd: "pubcomp", messageId };
    case "pingreq":
      return { cmd: "pingresp" };
    default:
      return undefined;
  }
}

export function connack({ protocolVersion }: IConnectPacket, sessionPresent = false, rest = {}): Packet {
  const code = protocolVersion === 5 ? { reasonCode: 0 } : { returnCode: 0 };
  return { cmd: "connack", sessionPresent, ...code, ...rest };
}
