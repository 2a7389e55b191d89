import { z } from "zod";
import { unless } from "./scalars.js";
import { parseUrl } from "./urls.js";

export const CLUSTER =
  "The Redis through which several gateways are one broker: redis://[[user]:password@]host[:port][/database], or rediss:// for " +
  `TLS. Each gateway has an id of its own. Keep the password out of the file: redis://:\${file:/run/secrets/x}@host.`;

/** `broker.cluster` in its parts. */
export interface ClusterConfig {
  /** Without user and password. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly database: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const EXAMPLE = "such as redis://redis.example:6379";
const PORT = 6379;

/** Reads it, or says why it cannot be read. Never quotes the text: it may hold a password. */
export function parseCluster(text: string): ClusterConfig | string {
  const url = parseUrl(text);
  if (typeof url === "string") return `${url}, ${EXAMPLE}`;
  const tls = url.protocol === "rediss:";
  if (!tls && url.protocol !== "redis:") return `must begin with redis:// or rediss://, ${EXAMPLE}`;
  const database = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (database === undefined || url.search !== "" || url.hash !== "")
    return `must have nothing after the port but the number of a database, ${EXAMPLE}`;
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (username === undefined || password === undefined)
    return "must have user and password with % only where it escapes a character (%25 is a %)";
  const port = url.port === "" ? PORT : Number(url.port);
  return {
    url: `${url.protocol}//${url.hostname}:${port}${database === "" ? "" : `/${database}`}`,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    tls,
    database: Number(database),
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const cluster = z.string(unless(`must be a URL in text, ${EXAMPLE}`)).transform((text, context) => {
  const parsed = parseCluster(text);
  if (typeof parsed !== "string") return parsed;
  context.addIssue({ code: "custom", message: parsed });
  return z.NEVER;
});
