import { parseUrl } from "./urls.js";

/** Where the broker listens on the network. */
export interface NetAddress {
  readonly scheme: "tcp" | "tls" | "ws" | "wss";
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
  /** As written in the file. */
  readonly url: string;
}

/** Where it listens on this machine alone. */
export interface UnixAddress {
  readonly scheme: "unix";
  /** Absolute. */
  readonly path: string;
  readonly url: string;
}

export type ListenerAddress = NetAddress | UnixAddress;

const LISTENER_PORTS = { tcp: 1883, tls: 8883, ws: 8083, wss: 8084 } as const;
/** The longest that the system takes: 108 bytes with the NUL at their end (unix(7)). */
const LONGEST_SOCKET_PATH = 107;

/** Reads a listener, or says why it is none. Never quotes the text: it may hold a secret. */
export function parseListener(text: string): ListenerAddress | string {
  if (/^unix:/i.test(text)) return parseUnix(text);
  const example = "such as tcp://127.0.0.1:1883 or ws://127.0.0.1:8083";
  const url = parseUrl(text);
  if (typeof url === "string") return `${url}, ${example}`;
  const written = url.protocol.slice(0, -1);
  const scheme = written === "mqtts" ? "tls" : written;
  if (scheme !== "tcp" && scheme !== "tls" && scheme !== "ws" && scheme !== "wss")
    return `must begin with tcp://, tls://, ws://, wss:// or unix:, ${example}`;
  if (url.username !== "" || url.password !== "") return "must have no user name or password in the URL";
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "") {
    const way = scheme.startsWith("ws") ? " (the path of a WebSocket is the key websocket.path)" : "";
    return `must have nothing after the port${way}, ${example}`;
  }
  // `URL` leaves out the port that is usual for ws (80), so it is read from the text where it was written.
  const digits = /:(\d+)\/?$/.exec(text)?.[1];
  const port = digits === undefined ? LISTENER_PORTS[scheme] : Number(digits);
  return { scheme, host: url.hostname.replace(/^\[|\]$/g, ""), port, url: text };
}

function parseUnix(text: string): UnixAddress | string {
  const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  const example = "such as unix:/run/weir/mqtt.sock";
  if (!/^\/[^/]/.test(path) || path.endsWith("/") || /[\0\r\n]/.test(path))
    return `must be an absolute path, ${example}`;
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
    return `must have a path of at most ${LONGEST_SOCKET_PATH} bytes, ${example}`;
  return { scheme: "unix", path, url: text };
}
