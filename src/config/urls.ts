import { z } from "zod";
import { unless } from "./scalars.js";

/** Where the broker listens. */
export interface Listener {
  readonly scheme: "tcp" | "ws";
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
  /** As written in the file. */
  readonly url: string;
}

const LISTENER_PORTS: Readonly<Record<string, number>> = { tcp: 1883, ws: 8083 };

/** The parts of a URL, or why it is none. `URL` keeps IPv6 hosts in brackets; sockets want them bare. */
function parse(text: string): URL | string {
  // `URL` would take text without slashes too (mqtt:host), and drop tabs and line ends silently.
  if (text.length > 512 || !/^[a-z]+:\/\/[^\s/]+/i.test(text) || /[\s\0]/.test(text)) return "must be a URL";
  const problem = "must be a URL with a host and a port between 0 and 65535";
  try {
    const url = new URL(text);
    return url.hostname === "" ? problem : url;
  } catch {
    return problem;
  }
}

/** Reads a listener, or says why it is none. Never quotes the text: it may hold a secret. */
export function parseListener(text: string): Listener | string {
  const example = "such as tcp://127.0.0.1:1883 or ws://127.0.0.1:8083";
  const url = parse(text);
  if (typeof url === "string") return `${url}, ${example}`;
  const scheme = url.protocol.slice(0, -1);
  if (scheme === "tls" || scheme === "wss") return `${scheme} listeners come in a later version: use tcp or ws`;
  if (scheme !== "tcp" && scheme !== "ws") return `must begin with tcp:// or ws://, ${example}`;
  if (url.username !== "" || url.password !== "") return "must have no user name or password in the URL";
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "")
    return `must have nothing after the port, ${example}`;
  // `URL` leaves out the port that is usual for ws (80), so it is read from the text where it was written.
  const written = /:(\d+)\/?$/.exec(text)?.[1];
  const port = written === undefined ? (LISTENER_PORTS[scheme] ?? 0) : Number(written);
  return { scheme, host: url.hostname.replace(/^\[|\]$/g, ""), port, url: text };
}

/** Says why a text is not the URL of an upstream; undefined if it is one. */
export function upstreamProblem(text: string): string | undefined {
  const example = "such as mqtt://broker.example:1883";
  const url = parse(text);
  if (typeof url === "string") return `${url}, ${example}`;
  if (!["mqtt:", "mqtts:", "ws:", "wss:"].includes(url.protocol))
    return `must begin with mqtt://, mqtts://, ws:// or wss://, ${example}`;
  if (url.username !== "" || url.password !== "")
    return "must have no user name or password in the URL: use the keys username and password";
  if (url.protocol.startsWith("mqtt") && (!["", "/"].includes(url.pathname) || url.search !== ""))
    return `must have nothing after the port, ${example}`;
  if (url.hash !== "") return "must have no # in it";
  return undefined;
}

export const listener = z
  .string(unless("must be a URL in text, such as tcp://127.0.0.1:1883"))
  .transform((text, context) => {
    const parsed = parseListener(text);
    if (typeof parsed !== "string") return parsed;
    context.addIssue({ code: "custom", message: parsed });
    return z.NEVER;
  });

export const upstreamUrl = z
  .string(unless("must be a URL in text, such as mqtt://broker.example:1883"))
  .superRefine((text, context) => {
    const message = upstreamProblem(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
