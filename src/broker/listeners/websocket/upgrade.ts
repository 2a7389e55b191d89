import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { WebSocketStream } from "./stream.js";

export interface UpgradeOptions {
  /** The only path that is served; any if undefined. */
  readonly path?: string | undefined;
  /** Pages that may connect; any if undefined. */
  readonly origins?: readonly string[] | undefined;
  /** The longest message, in bytes. */
  readonly maxPayload: number;
  readonly upgraded: (connection: Duplex, stream: Duplex) => void;
  /** `why` says nothing from the wire. */
  readonly refused: (connection: Duplex, why: string) => void;
}

/** Bytes. A browser's request with cookies of the page's site is smaller. */
const LONGEST_HEAD = 16 * 1024;

/** What asks a connection for its WebSocket. It opens no port, and the caller bounds the time. */
export function createUpgrade(options: UpgradeOptions): (connection: Duplex) => void {
  const http = createServer({ maxHeaderSize: LONGEST_HEAD }, (_request, response) => {
    // Not kept open: it would stay without ever coming to MQTT.
    response.writeHead(426, { Upgrade: "websocket", Connection: "close", "Content-Type": "text/plain" });
    response.end("MQTT over WebSocket only\n");
  });
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: options.maxPayload,
    perMessageDeflate: false,
    // One that is not read would have them pile up: the stream answers.
    autoPong: false,
    // MQTT-6.0.0-4: the server answers with the subprotocol "mqtt"; 3.1 clients ask for "mqttv3.1".
    handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : offered.has("mqttv3.1") ? "mqttv3.1" : false),
  });
  const refuse = (connection: Duplex, status: string, why: string): void => {
    connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    options.refused(connection, why);
  };
  http.on("upgrade", (request: IncomingMessage, connection, head) => {
    connection.on("error", () => {}); // its "close" follows
    const problem = problemOf(request, options);
    if (problem !== undefined) return refuse(connection, problem.status, problem.why);
    sockets.handleUpgrade(request, connection, head, (socket) =>
      options.upgraded(connection, new WebSocketStream(socket)),
    );
  });
  sockets.on("wsClientError", (_error, connection) => refuse(connection, "400 Bad Request", "no WebSocket handshake"));
  http.on("clientError", (_error, connection) => refuse(connection, "400 Bad Request", "no HTTP request"));
  return (connection) => void http.emit("connection", connection);
}

function problemOf(
  { url = "", headers }: IncomingMessage,
  { path, origins }: UpgradeOptions,
): { readonly status: string; readonly why: string } | undefined {
  if (path !== undefined && url.split("?", 1)[0] !== path) return { status: "404 Not Found", why: "another path" };
  // Only browsers name an origin, and they cannot be made to name another: RFC 6455 10.2.
  const { origin } = headers;
  if (origins !== undefined && origin !== undefined && !origins.includes(origin))
    return { status: "403 Forbidden", why: "the page's origin is not among websocket.origins" };
  // MQTT-6.0.0-3: the client offers "mqtt".
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  if (!offered.includes("mqtt") && !offered.includes("mqttv3.1"))
    return { status: "400 Bad Request", why: "it does not offer the subprotocol mqtt" };
  return undefined;
}
