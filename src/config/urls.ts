import { z } from "zod";
import { unless } from "./scalars.js";

/** The parts of a URL, or why it is none. `URL` keeps IPv6 hosts in brackets; sockets want them bare. */
export function parseUrl(text: string): URL | string {
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

/** Says why a text is not the URL of an upstream; undefined if it is one. */
export function upstreamProblem(text: string): string | undefined {
  const example = "such as mqtt://broker.example:1883";
  const url = parseUrl(text);
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

export const upstreamUrl = z
  .string(unless("must be a URL in text, such as mqtt://broker.example:1883"))
  .superRefine((text, context) => {
    const message = upstreamProblem(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
