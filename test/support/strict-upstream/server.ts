import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import type { Random } from "../random.js";
import { type Ack, type Connection, type Finding, judgePublish, judgePubrel, newConnection, sent } from "./judge.js";
import { openLedger } from "./ledger.js";
import {
  type Application,
  apply,
  type Entry,
  type Method,
  newSession,
  onPublish,
  onRelease,
  type Session,
} from "./session.js";

export interface StrictOptions {
  readonly port: number;
  /** The ledger's path. */
  readonly ledger: string;
  readonly method: Method;
  /** Each acknowledgement waits for up to as many ms, and never overtakes another (MQTT-4.6.0-2). */
  readonly delay: number;
  /** Announced to MQTT 5 clients; undefined: nothing is announced. */
  readonly receiveMaximum: number | undefined;
  readonly random: Random;
}

export interface StrictUpstream {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * The receiving end of MQTT 3.1.1 and 5 for a bridge under test: it stores before it acknowledges, it starts again where a
 * kill ended it, and it judges its clients. It routes nothing: what it took is in its ledger. Wills are not published.
 */
export async function openStrictUpstream(options: StrictOptions): Promise<StrictUpstream> {
  const ledger = openLedger(options.ledger);
  const sessions = new Map<string, Session>();
  /** Who is connected, to be thrown out by its successor (MQTT-3.1.4-2). */
  const connected = new Map<string, Socket>();
  const sockets = new Set<Socket>();

  const change = (entry: Entry): void => {
    if (entry.at === "session") sessions.set(entry.client, newSession());
    else if (entry.at === "end") sessions.delete(entry.client);
    else {
      const session = sessions.get(entry.client);
      if (session !== undefined) apply(session, entry);
    }
  };
  for (const entry of ledger.entries) change(entry);
  const record = (entry: Entry): void => {
    ledger.append(entry);
    change(entry);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, { options, sessions, connected, record });
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      ledger.close();
    },
  };
}

interface Shared {
  readonly options: StrictOptions;
  readonly sessions: Map<string, Session>;
  readonly connected: Map<string, Socket>;
  readonly record: (entry: Entry) => void;
}

interface Client {
  readonly id: string;
  readonly connection: Connection;
  readonly acknowledge: (ack: Ack, id: number, reasonCode?: number) => void;
}

function serve(socket: Socket, shared: Shared): void {
  const { record } = shared;
  const parse = parser();
  let client: Client | undefined;
  const accuse = (findings: readonly Finding[]): void => {
    for (const { kind, text } of findings) record({ at: "violation", client: client?.id ?? "", kind, text });
  };
  const refuse = (finding: Finding): void => {
    accuse([finding]);
    socket.destroy();
  };
  parse.on("packet", (packet) => {
    // A chunk may hold packets behind the one that the connection ended with.
    if (socket.destroyed) return;
    if (client === undefined) {
      if (packet.cmd !== "connect") return refuse({ kind: "not_connect_first", text: packet.cmd });
      client = welcome(socket, packet, shared);
      return;
    }
    if (packet.cmd === "connect") return refuse({ kind: "connect_twice", text: "CONNECT" });
    take(socket, packet, client, shared, accuse);
  });
  parse.on("error", (error: unknown) => refuse({ kind: "malformed", text: String(error) }));
  socket.on("data", (chunk) => parse.parse(chunk));
  socket.on("error", () => {}); // its "close" follows
  // Longer than any keep alive: a client that is silent is thrown out by its own.
  socket.on("timeout", () => socket.destroy());
}

function welcome(socket: Socket, packet: IConnectPacket, shared: Shared): Client {
  const { options, sessions, connected, record } = shared;
  const version = packet.protocolVersion === 5 ? 5 : 4;
  const id = packet.clientId;
  connected.get(id)?.destroy();
  connected.set(id, socket);
  const sessionPresent = packet.clean !== true && sessions.has(id);
  if (!sessionPresent) record({ at: "session", client: id });
  const ends = version === 5 ? (packet.properties?.sessionExpiryInterval ?? 0) === 0 : packet.clean === true;
  const { receiveMaximum } = options;
  const connection = newConnection(version, version === 5 ? receiveMaximum : undefined);
  if ((packet.keepalive ?? 0) > 0) socket.setTimeout((packet.keepalive ?? 0) * 1500);
  socket.on("close", () => {
    if (connected.get(id) !== socket) return;
    connected.delete(id);
    if (ends) record({ at: "end", client: id });
  });
  const announced = receiveMaximum === undefined ? {} : { properties: { receiveMaximum } };
  send(socket, version, {
    cmd: "connack",
    sessionPresent,
    ...(version === 5 ? { reasonCode: 0, ...announced } : { returnCode: 0 }),
  });
  const later = inOrder(options);
  const acknowledge = (ack: Ack, messageId: number, reasonCode?: number): void => {
    connection.unsent.set(messageId, ack);
    later(() => {
      if (socket.destroyed) return;
      send(socket, version, { cmd: ack, messageId, ...(reasonCode === undefined ? {} : { reasonCode }) } as Packet);
      sent(connection, ack, messageId);
    });
  };
  return { id, connection, acknowledge };
}

function take(
  socket: Socket,
  packet: Packet,
  client: Client,
  shared: Shared,
  accuse: (findings: readonly Finding[]) => void,
): void {
  const { id, connection, acknowledge } = client;
  const { options, sessions, record } = shared;
  const session = sessions.get(id);
  if (session === undefined) return;
  const messageId = packet.messageId ?? 0;
  switch (packet.cmd) {
    case "publish": {
      const message = applicationOf(packet);
      if (packet.properties?.topicAlias !== undefined) accuse([{ kind: "topic_alias", text: "none was allowed" }]);
      accuse(judgePublish(session, connection, messageId, packet.dup, message));
      const entry = onPublish(session, id, messageId, message, options.method);
      if (entry !== undefined) record(entry);
      if (message.qos > 0) acknowledge(message.qos === 1 ? "puback" : "pubrec", messageId);
      break;
    }
    case "pubrel": {
      accuse(judgePubrel(session, connection, messageId));
      const entry = onRelease(session, id, messageId, options.method);
      if (entry !== undefined) record(entry);
      // Packet identifier not found (MQTT 5, 3.7.2.1): not an error while a client recovers.
      acknowledge("pubcomp", messageId, entry === undefined && connection.version === 5 ? 0x92 : undefined);
      break;
    }
    case "subscribe":
      send(socket, connection.version, {
        cmd: "suback",
        messageId,
        granted: packet.subscriptions.map(({ qos }) => qos),
      });
      break;
    case "unsubscribe":
      send(socket, connection.version, { cmd: "unsuback", messageId, granted: packet.unsubscriptions.map(() => 0) });
      break;
    case "pingreq":
      send(socket, connection.version, { cmd: "pingresp" });
      break;
    case "disconnect":
      socket.end();
      break;
    default:
      accuse([{ kind: "malformed", text: `${packet.cmd} is not a client's, or answers nothing` }]);
  }
}

function applicationOf({ topic, payload, qos, retain }: IPublishPacket): Application {
  return { topic, payload: typeof payload === "string" ? payload : payload.toString("latin1"), qos, retain };
}

function send(socket: Socket, protocolVersion: 4 | 5, packet: Packet): void {
  if (!socket.destroyed) socket.write(generate(packet, { protocolVersion }));
}

/** Does one thing after the other, each up to `delay` ms later. */
function inOrder({ delay, random }: StrictOptions): (act: () => void) => void {
  if (delay === 0) return (act) => act();
  const waiting: { readonly due: number; readonly act: () => void }[] = [];
  let armed = false;
  const run = (): void => {
    armed = false;
    const now = performance.now();
    for (let first = waiting[0]; first !== undefined && first.due <= now; first = waiting[0]) {
      waiting.shift();
      first.act();
    }
    arm();
  };
  const arm = (): void => {
    const first = waiting[0];
    if (armed || first === undefined) return;
    armed = true;
    // The listener keeps the process; acknowledgements of a server that was closed need not.
    setTimeout(run, Math.max(1, first.due - performance.now())).unref();
  };
  return (act) => {
    const due = Math.max(waiting.at(-1)?.due ?? 0, performance.now() + random.next() * delay);
    waiting.push({ due, act });
    arm();
  };
}
