import { createHash } from "node:crypto";
import type { Servers } from "./session.js";

/**
 * Which servers can be trusted with a session of ours. A session that was left in the middle of QoS 2 exchanges is stale: the
 * upstream still holds packet ids, and would take a new message under one of them for the old one, which is a loss. Such a
 * server gets a clean start before it is used again.
 *
 * - `home` is where our session lives;
 * - `clean` are servers without a stale one: they were given a clean start and not used since, or share their sessions with the
 *   one that is.
 *
 * In a first life nothing is known of any server, and none is clean. Pure.
 */

/**
 * What a server's session of ours is called. Another one where it is not the same any more: under another client id lies
 * somebody else's, and what went by itself has packet ids that batches would be taken for. Short, however long the URL is.
 */
export function sessionName({ url, clientId, batched }: { url: string; clientId: string; batched: boolean }): string {
  return createHash("sha256")
    .update(JSON.stringify([url, clientId, batched]))
    .digest("hex")
    .slice(0, 32);
}

export function mustReset({ home, clean }: Servers, url: string): boolean {
  return url !== home && !clean.includes(url);
}

/** The server takes us, but not with the session that it has of ours. */
export function afterSessionRefused({ home, clean }: Servers, url: string): Servers {
  return { home: home === url ? undefined : home, clean: clean.filter((one) => one !== url) };
}

/** The server was given a clean start. */
export function afterReset({ home, clean }: Servers, url: string): Servers {
  return { home: home === url ? undefined : home, clean: [...clean.filter((one) => one !== url), url] };
}

/**
 * Connected to `url`. `sessionPresent` at another server than before means that they share sessions (a cluster), and then all is
 * as it was: a server that does not share them has had a clean start since we left it. Otherwise what was left at the one before is
 * stale, even if it was left in order: found there again it would pass for the session of a cluster, and PUBREL would go to
 * the wrong server.
 */
export function afterConnect(servers: Servers, url: string, sessionPresent: boolean): Servers {
  const { home, clean } = servers;
  const left = home !== undefined && home !== url && !sessionPresent ? home : undefined;
  const still = clean.filter((one) => one !== left);
  return { home: url, clean: still.includes(url) ? still : [...still, url] };
}
