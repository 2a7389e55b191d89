import { lstat, unlink } from "node:fs/promises";
import { type AddressInfo, connect, type Server } from "node:net";
import { messageOf, WeirError } from "../../core/errors.js";

export type BindAddress =
  | { readonly url: string; readonly scheme: string; readonly host: string; readonly port: number }
  | { readonly url: string; readonly scheme: "unix"; readonly path: string };

/** Not everybody of this machine: the owner and the group. */
const DEFAULT_MODE = 0o660;

/** Connections that wait to be accepted. A whole plant connects in the same moment after a power cut. */
const BACKLOG = 1024;

/** Resolves to the URL with its real port. Rejects with ADDRESS_IN_USE or LISTEN_FAILED. */
export async function bind(server: Server, address: BindAddress, mode = DEFAULT_MODE): Promise<string> {
  if ("path" in address) {
    await clearStale(address.path);
    await listen(server, address.url, () => listenWithMode(server, address.path, mode));
    return address.url;
  }
  const { host, port, scheme } = address;
  const url = urlOf(scheme, host, port);
  await listen(server, url, () => server.listen({ host, port, backlog: BACKLOG }));
  return urlOf(scheme, host, (server.address() as AddressInfo).port);
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listen(server: Server, url: string, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(failure(url, error));
    server.once("error", refused);
    server.once("listening", () => {
      server.off("error", refused);
      resolve();
    });
    begin();
  });
}

/** The socket has its permissions from its first moment: changed afterwards, anyone could connect in between. */
function listenWithMode(server: Server, path: string, mode: number): void {
  const before = process.umask(0o777 & ~mode);
  try {
    // Binds before it returns; what went wrong comes as an event.
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(before);
  }
}

function failure(url: string, cause: NodeJS.ErrnoException): WeirError {
  if (cause.code === "EADDRINUSE")
    return new WeirError("ADDRESS_IN_USE", `${url} is in use by another program`, { cause });
  return new WeirError("LISTEN_FAILED", `${url} cannot be listened on: ${messageOf(cause)}`, { cause });
}

/** A socket file outlives a program that was killed. It goes if nobody answers on it; what is no socket is left alone. */
async function clearStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new WeirError("LISTEN_FAILED", `unix:${path} exists and is no socket`);
  if (await answers(path)) throw new WeirError("ADDRESS_IN_USE", `unix:${path} is in use by another program`);
  try {
    await unlink(path);
  } catch (cause) {
    throw new WeirError("LISTEN_FAILED", `unix:${path} is left over and cannot be removed: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (there: boolean): void => {
      socket.destroy();
      resolve(there);
    };
    socket.once("connect", () => settle(true));
    // Anything but a refusal (no permission, its backlog is full) does not prove that nobody is there.
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code !== "ECONNREFUSED"));
  });
}
