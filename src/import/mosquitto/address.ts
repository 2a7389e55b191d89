import { isIPv6 } from "node:net";
import { printable } from "../../config/problems.js";
import { upstreamProblem } from "../../config/urls.js";
import { whole } from "./lines.js";

/** mosquitto's, with TLS as well. */
const USUAL_PORT = 1883;

/** `host`, `host:port` or `ipv6:port` as a URL, or what is wrong with it. The last colon is the port's. */
export function toUrl(address: string, scheme: "mqtt" | "mqtts"): { readonly url: string } | string {
  const colon = address.lastIndexOf(":");
  const host = colon < 0 ? address : address.slice(0, colon);
  const port = colon < 0 ? USUAL_PORT : whole(address.slice(colon + 1), 1, 65_535);
  if (port === undefined) return `${printable(address)} has no port between 1 and 65535 behind its last colon`;
  const bare = host.replace(/^\[|\]$/g, "");
  if (bare.includes(":") && !isIPv6(bare))
    return `${printable(address)} is no host with its port: an IPv6 address needs a port behind it`;
  const url = `${scheme}://${inUrl(bare)}:${port}`;
  const problem = upstreamProblem(url);
  return problem === undefined ? { url } : `${printable(address)} ${problem}`;
}

/** A host as URLs spell it. */
export function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
