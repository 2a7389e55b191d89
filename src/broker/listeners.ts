import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import { messageOf, WeirError } from "../core/errors.js";
import type { Handle, Peer } from "./listeners/peer.js";

export interface Address {
  readonly scheme: "tcp" | "ws";
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
}

export interface Listener {
  /** With the port that the system chose where 0 was asked for: `tcp://127.0.0.1:41683`. */
  readonly url: string;
  close(): Promise<void>;
}

/** The largest WebSocket frame, in bytes: that of the largest MQTT packet (MQTT 3.1.1, 2.2.3). */
const MAX_FRAME = 268_435_455 + 5;

export async function listen(address: Address, handle: Handle): Promise<Listener> {
  const peer: Peer = { listener: urlOf(address), local: true, address: undefined, port: undefined, proven: undefined };
  const server =
    address.scheme === "ws"
      ? webSocketServer((socket) => handle(socket, peer))
      : tcpServer((socket) => handle(socket, peer));
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await bind(server, address);
  return {
    url: urlOf({ ...address, port: (server.address() as AddressInfo).port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // aedes ends its clients; whoever connected and never sent CONNECT is not among them.
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function tcpServer(handle: (socket: Duplex) => void): Server {
  // Small packets both ways: Nagle's algorithm would hold an acknowledgement for up to 40 ms.
  return createServer({ noDelay: true }, (socket) => handle(socket));
}

function webSocketServer(handle: (socket: Duplex) => void): Server {
  const http = createHttpServer((_request, response) => {
    response.writeHead(426, { Upgrade: "websocket", "Content-Type": "text/plain" });
    response.end("MQTT over WebSocket only\n");
  });
  const upgrades = new WebSocketServer({
    server: http,
    maxPayload: MAX_FRAME,
    perMessageDeflate: false,
    // MQTT-6.0.0-4: the server answers with the subprotocol "mqtt"; 3.1 clients ask for "mqttv3.1".
    handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : offered.has("mqttv3.1") ? "mqttv3.1" : false),
  });
  upgrades.on("connection", (socket) => {
    const stream = createWebSocketStream(socket);
    handle(stream);
  });
  // Errors of the underlying server also arrive here; `bind` and each connection deal with theirs.
  upgrades.on("error", () => {});
  return http;
}

function urlOf({ scheme, host, port }: Address): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function bind(server: Server, address: Address): Promise<void> {
  const { host, port } = address;
  const url = urlOf(address);
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      const inUse = error.code === "EADDRINUSE";
      const text = inUse ? `${url} is in use by another program` : `${url} cannot be listened on: ${messageOf(error)}`;
      reject(new WeirError(inUse ? "ADDRESS_IN_USE" : "LISTEN_FAILED", text, { cause: error }));
    };
    server.once("error", refused);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off("error", refused);
      // After listening only accept() fails (no file descriptors left): the connection is lost, the server is not.
      server.on("error", () => {});
      resolve();
    });
  });
}
