import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { makeAuthority } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";
import { local, startListener, type TestListener } from "../support/listener.js";
import { connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { run } from "../support/run.js";

const CONNECT = Buffer.from("100d00044d5154540402003c000161", "hex");
const CONNACK = Buffer.from("20020000", "hex");

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-listener-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Raw {
  readonly socket: Socket;
  readonly heard: () => Buffer;
  readonly closed: () => boolean;
}

function raw(t: TestContext, target: number | string): Raw {
  const socket = typeof target === "string" ? connect(target) : connect(target, "127.0.0.1");
  t.after(() => socket.destroy());
  let heard = Buffer.alloc(0);
  socket.on("error", () => {}); // its "close" follows
  socket.on("data", (chunk) => {
    heard = Buffer.concat([heard, chunk]);
  });
  return { socket, heard: () => heard, closed: () => socket.closed };
}

async function refusedFor(listener: TestListener, reason: string): Promise<void> {
  await eventually(() => listener.reasons().includes(reason), `it is refused: ${reason}`);
  await eventually(() => listener.admission.open === 0, "all have left");
}

test("who has come to MQTT takes no place among the handshakes any more", async (t) => {
  const listener = await startListener(t, local("ws"), { limits: { handshakes: 1 } });
  for (let n = 0; n < 3; n++) await connectClient(t, listener.url);
  assert.equal(listener.admission.open, 3);
  assert.deepEqual(listener.reasons(), []);
});

test("a plain TCP socket is handed over as it is", async (t) => {
  const listener = await startListener(t, local("tcp"));
  const client = await connectClient(t, listener.url);
  await client.publishAsync("a", "b", { qos: 2 });
  assert.ok(listener.streams[0] instanceof Socket);
  assert.equal(listener.peers[0]?.port, (client.stream as Socket).localPort);
});

test(
  "a Unix socket: mosquitto_pub, its permissions, and what is left over of another",
  needs("mosquitto_sub"),
  async (t) => {
    const path = join(folderOf(t), "mqtt.sock");
    const settings = { scheme: "unix", path, url: `unix:${path}` } as const;
    const listener = await startListener(t, settings);
    assert.equal(statSync(path).mode & 0o777, 0o660);
    assert.equal(listener.url, `unix:${path}`);
    const ran = await run("mosquitto_pub", ["--unix", path, "-t", "a", "-m", "x", "-q", "1"]);
    assert.deepEqual(ran, { code: 0, said: "" });
    assert.deepEqual(listener.peers, [
      { listener: settings.url, local: true, address: undefined, port: undefined, proven: undefined },
    ]);
    await assert.rejects(startListener(t, settings), { code: "ADDRESS_IN_USE" });
    await listener.close();
    assert.equal(existsSync(path), false);

    // What a program leaves behind that is killed.
    const left = await run(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    assert.equal(left.code, null);
    assert.ok(statSync(path).isSocket());
    const again = await startListener(t, { ...settings, mode: 0o600 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await again.close();

    writeFileSync(path, "precious");
    await assert.rejects(startListener(t, settings), { code: "LISTEN_FAILED", message: /exists and is no socket/ });
    assert.ok(existsSync(path));
  },
);

test("addresses that cannot be listened on", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const taken = server.address() as { port: number };
  await assert.rejects(startListener(t, { ...local("tcp"), port: taken.port }), { code: "ADDRESS_IN_USE" });
  await assert.rejects(startListener(t, { ...local("tcp"), host: "192.0.2.1" }), { code: "LISTEN_FAILED" });
  const folder = folderOf(t);
  chmodSync(folder, 0o700);
  const path = join(folder, "no", "a.sock");
  await assert.rejects(startListener(t, { scheme: "unix", path, url: path }), { code: "LISTEN_FAILED" });
});

test("a PROXY header says whose a connection is, byte by byte and with the first packet", async (t) => {
  const listener = await startListener(t, local("tcp", { proxies: ["127.0.0.0/8"] }));
  const one = raw(t, listener.port);
  const bytes = Buffer.concat([Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 8080 1883\r\n"), CONNECT]);
  one.socket.setNoDelay(true);
  for (const byte of bytes) {
    one.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => one.heard().equals(CONNACK), "it is connected");
  const two = raw(t, listener.port);
  const v2 = Buffer.from("0d0a0d0a000d0a515549540a21210024", "hex");
  const addresses = Buffer.from("20010db80000000000000000000000010000000000000000000000000000000104d2075b", "hex");
  two.socket.write(Buffer.concat([v2, addresses, CONNECT]));
  await eventually(() => two.heard().equals(CONNACK), "it is connected");
  const local6 = raw(t, listener.port);
  local6.socket.write(Buffer.concat([Buffer.from("PROXY TCP6 ::ffff:127.0.0.1 ::1 1 2\r\n"), CONNECT]));
  await eventually(() => local6.heard().equals(CONNACK), "it is connected");
  const unknown = raw(t, listener.port);
  unknown.socket.write(Buffer.concat([Buffer.from("PROXY UNKNOWN\r\n"), CONNECT]));
  await eventually(() => unknown.heard().equals(CONNACK), "it is connected");
  assert.deepEqual(
    listener.peers.map(({ address, port, local: own }) => [address, port, own]),
    [
      ["192.0.2.7", 8080, false],
      ["2001:db8::1", 1234, false],
      ["127.0.0.1", 1, true],
      [undefined, undefined, false],
    ],
  );
});

test("without a PROXY header, or from elsewhere than the proxy, nobody comes in", async (t) => {
  const listener = await startListener(t, local("tcp", { proxies: ["127.0.0.0/8"] }));
  raw(t, listener.port).socket.write(CONNECT);
  await refusedFor(listener, "proxy_header");
  const elsewhere = await startListener(t, local("tcp", { proxies: ["192.0.2.0/24", "fd00::/8"] }));
  raw(t, elsewhere.port).socket.write(Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 8080 1883\r\n"));
  await refusedFor(elsewhere, "proxy_unknown");
  assert.equal(listener.peers.length + elsewhere.peers.length, 0);
});

test("limits count the address that the proxy tells, an IPv6 network as one", async (t) => {
  // No broker: one would end the first of two clients with one id.
  const handle = (stream: Duplex): void => {
    stream.once("data", () => stream.write(CONNACK)).on("error", () => {});
  };
  const limits = { connectionsPerAddress: 2 };
  const listener = await startListener(t, local("tcp", { proxies: ["127.0.0.1"] }), { limits, handle });
  const enter = async (address: string): Promise<Raw> => {
    const client = raw(t, listener.port);
    client.socket.write(Buffer.concat([Buffer.from(`PROXY TCP6 ${address} ::1 1 2\r\n`), CONNECT]));
    await eventually(() => client.heard().equals(CONNACK) || client.closed(), "it is answered");
    return client;
  };
  const first = await enter("2001:db8::1");
  assert.equal((await enter("2001:db8::2")).closed(), false);
  assert.equal((await enter("2001:db8::3")).closed(), true);
  assert.equal((await enter("2001:db8:0:1::1")).closed(), false);
  assert.deepEqual(listener.reasons(), ["connections_per_address"]);
  first.socket.destroy();
  await eventually(() => listener.admission.open === 2, "it has left");
  assert.equal((await enter("2001:db8::4")).closed(), false);
});

test("a connection too many is closed at once", async (t) => {
  const listener = await startListener(t, local("tcp"), { limits: { connections: 2 } });
  const clients = [1, 2, 3].map(() => raw(t, listener.port));
  await eventually(() => clients.some(({ closed }) => closed()), "one is closed");
  assert.deepEqual(listener.reasons(), ["connections"]);
  assert.equal(listener.peers.length, 2);
});

test("the PROXY header comes before TLS", needs("openssl"), async (t) => {
  const authority = makeAuthority(t);
  const tls = { ...authority.issue("server", 1), clientCertificate: "none", identity: "cn", crl: [] } as const;
  for (const scheme of ["tls", "wss"] as const) {
    const listener = await startListener(t, local(scheme, { proxies: ["127.0.0.1"], tls }));
    const { socket } = raw(t, listener.port);
    await once(socket, "connect");
    socket.removeAllListeners("data");
    socket.write("PROXY TCP4 192.0.2.7 10.0.0.1 8080 1883\r\n");
    const secured = connectTls({ socket, rejectUnauthorized: false });
    t.after(() => secured.destroy());
    if (scheme === "tls") secured.write(CONNECT);
    else secured.write(upgradeRequest("Sec-WebSocket-Protocol: mqtt"));
    const [answer] = (await once(secured, "data")) as [Buffer];
    if (scheme === "tls") assert.ok(answer.equals(CONNACK));
    else assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
    assert.equal(listener.peers[0]?.address, "192.0.2.7");
  }
});

test("the PROXY header comes before a WebSocket, in one piece with its request", async (t) => {
  const listener = await startListener(t, local("ws", { proxies: ["127.0.0.1"] }));
  const { socket, heard } = raw(t, listener.port);
  socket.write(`PROXY TCP4 192.0.2.7 10.0.0.1 8080 1883\r\n${upgradeRequest("Sec-WebSocket-Protocol: mqtt")}`);
  await eventually(() => /^HTTP\/1\.1 101 /.test(heard().toString()), "it is taken");
  assert.equal(listener.peers[0]?.address, "192.0.2.7");
});

function upgradeRequest(...more: string[]): string {
  const lines = [
    "GET /mqtt HTTP/1.1",
    "Host: a",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
  ];
  return [...lines, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...more, "", ""].join("\r\n");
}

test("MQTT over WebSocket, both ways and much of it", async (t) => {
  const listener = await startListener(t, local("ws"));
  const client = await connectClient(t, listener.url);
  let got = 0;
  client.on("message", (_topic, payload) => {
    got += payload.length;
  });
  await client.subscribeAsync("big", { qos: 1 });
  const payload = Buffer.alloc(200_000, 1);
  await Promise.all(Array.from({ length: 20 }, () => client.publishAsync("big", payload, { qos: 1 })));
  await eventually(() => got === 20 * payload.length, "all came back");
  assert.equal(client.stream.destroyed, false);
  await client.endAsync();
  await eventually(() => listener.admission.open === 0, "it has left");
});

const ASKED: readonly (readonly [
  what: string,
  path: string,
  protocols: string[],
  origin: string | undefined,
  status: number,
])[] = [
  ["what it serves", "/mqtt", ["mqtt"], undefined, 101],
  ["MQTT 3.1", "/mqtt?x=1", ["other", "mqttv3.1"], undefined, 101],
  ["its own page", "/mqtt", ["mqtt"], "https://panel.example", 101],
  ["a page from elsewhere", "/mqtt", ["mqtt"], "https://evil.example", 403],
  ["a page without an origin of its own", "/mqtt", ["mqtt"], "null", 403],
  ["another path", "/mqtt/", ["mqtt"], undefined, 404],
  ["another protocol", "/mqtt", ["soap"], undefined, 400],
  ["no protocol", "/mqtt", [], undefined, 400],
];

for (const [what, path, protocols, origin, status] of ASKED) {
  test(`a request for a WebSocket: ${what}`, async (t) => {
    const settings = { websocket: { path: "/mqtt", origins: ["https://panel.example"] } };
    const listener = await startListener(t, local("ws", settings));
    const socket = new WebSocket(`${listener.url}${path}`, protocols, origin === undefined ? {} : { origin });
    t.after(() => socket.terminate());
    socket.on("error", () => {}); // its answer is looked at
    let answered = 0;
    socket.once("open", () => {
      answered = 101;
    });
    socket.once("unexpected-response", (_request, response) => {
      answered = response.statusCode ?? 0;
      response.resume();
    });
    await eventually(() => answered !== 0, "it is answered");
    assert.equal(answered, status);
    if (status === 101) assert.equal(socket.protocol, protocols.at(-1));
    else await refusedFor(listener, "websocket");
  });
}

test("a WebSocket's text frame and one that is too long end the connection, and pings are answered", async (t) => {
  const listener = await startListener(t, local("ws"), { maxPacket: 1000 });
  const open = async (): Promise<{ socket: WebSocket; code: () => number | undefined }> => {
    const socket = new WebSocket(listener.url, "mqtt");
    t.after(() => socket.terminate());
    let closed: number | undefined;
    socket.on("error", () => {}); // its "close" follows
    socket.on("close", (code) => {
      closed = code;
    });
    await once(socket, "open");
    return { socket, code: () => closed };
  };
  const text = await open();
  text.socket.send("text");
  await eventually(() => text.code() !== undefined, "text ends it");
  assert.equal(text.code(), 1003);
  const long = await open();
  long.socket.send(Buffer.alloc(1001));
  await eventually(() => long.code() !== undefined, "it ends");
  assert.equal(long.code(), 1009);
  const alive = await open();
  alive.socket.ping("x");
  const [data] = (await once(alive.socket, "pong")) as [Buffer];
  assert.equal(data.toString(), "x");
  alive.socket.send(CONNECT);
  const [answer] = (await once(alive.socket, "message")) as [Buffer];
  assert.ok(answer.equals(CONNACK));
});

test("a request that never comes, drips, is too long or is none is ended", async (t) => {
  const listener = await startListener(t, local("ws"), { handshakeTimeout: 300 });
  const drip = raw(t, listener.port);
  drip.socket.write("GET / HTTP/1.1\r\n");
  const timer = setInterval(() => drip.socket.write("a: b\r\n"), 20);
  t.after(() => clearInterval(timer));
  const idle = raw(t, listener.port);
  await eventually(() => idle.closed() && drip.closed(), "both are ended");
  const long = raw(t, listener.port);
  long.socket.write(`GET / HTTP/1.1\r\na: ${"x".repeat(20_000)}\r\n`);
  const none = raw(t, listener.port);
  none.socket.write(CONNECT);
  const page = raw(t, listener.port);
  page.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually(() => [long, none, page].every(({ closed }) => closed()), "all are ended");
  assert.match(page.heard().toString(), /^HTTP\/1\.1 426 [\s\S]*MQTT over WebSocket only/);
  assert.deepEqual(listener.reasons(), ["timeout", "timeout", "websocket", "websocket"]);
  assert.equal(listener.peers.length, 0);
  await eventually(() => listener.admission.open === 0, "all have left");
});

test("closing ends who is connected, and who never came to MQTT", async (t) => {
  for (const scheme of ["tcp", "ws"] as const) {
    const listener = await startListener(t, local(scheme));
    const client = raw(t, listener.port);
    await once(client.socket, "connect");
    await eventually(() => listener.admission.open === 1, "it is accepted");
    await listener.close();
    await eventually(client.closed, "it is ended");
  }
});
