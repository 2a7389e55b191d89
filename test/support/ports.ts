import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A TCP port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The same for UDP. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

/** Linux gives out connections' own ports from 32768 up (ip_local_port_range). */
const BELOW_EPHEMERAL = { first: 20_000, count: 12_000 };

/**
 * TCP ports for servers that are stopped and started again during the test: outside the range from which connections get
 * theirs, so that none takes a port while its server is away.
 */
export async function steadyPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = BELOW_EPHEMERAL.first + Math.floor(Math.random() * BELOW_EPHEMERAL.count);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

/**
 * The first of two neighbouring ports, both free for UDP and TCP: libcoap's servers have their secured port above the plain one.
 * Outside the range that the system gives out, so that nobody takes one meanwhile.
 */
export async function freePortPair(): Promise<number> {
  for (;;) {
    const port = BELOW_EPHEMERAL.first + Math.floor(Math.random() * (BELOW_EPHEMERAL.count - 1));
    const free = [port, port + 1].map(async (one) => (await isFree(one)) && (await isFreeUdp(one)));
    if ((await Promise.all(free)).every(Boolean)) return port;
  }
}

async function isFreeUdp(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    const bound = once(socket, "listening");
    socket.bind(port, "127.0.0.1");
    await bound;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
