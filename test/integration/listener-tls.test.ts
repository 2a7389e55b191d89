import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { ListenerConfig, ListenerTls } from "../../src/config/index.js";
import { type Authority, type Certificate, makeAuthority, replace } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";
import { local, startListener } from "../support/listener.js";
import { connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { run } from "../support/run.js";

const openssl = needs("openssl");
const mosquitto = needs("openssl", "mosquitto_sub");

function tls(own: Certificate, more: Partial<ListenerTls> = {}): ListenerTls {
  return { ...own, clientCertificate: "none", identity: "cn", crl: [], ...more };
}

function secure(own: Certificate, more: Partial<ListenerTls> = {}): ListenerConfig {
  return local("tls", { tls: tls(own, more) });
}

function publish(port: number, ca: string, ...more: string[]) {
  const args = [
    "-V",
    "mqttv311",
    "-h",
    "127.0.0.1",
    "-p",
    `${port}`,
    "-t",
    "a/b",
    "-m",
    "x",
    "-q",
    "1",
    "--cafile",
    ca,
  ];
  return run("mosquitto_pub", [...args, ...more]);
}

function credentials({ cert, key }: Certificate): string[] {
  return ["--cert", cert, "--key", key];
}

/** A client that only shakes hands; resolves once it has heard from the broker, or was closed. */
async function shake(
  t: TestContext,
  port: number,
  authority: Authority,
  more: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", ca: readFileSync(authority.ca), ...more });
  t.after(() => socket.destroy());
  socket.on("error", () => {}); // its "close" follows
  let settled = false;
  socket.once("secureConnect", () => {
    settled = true;
  });
  socket.once("close", () => {
    settled = true;
  });
  await eventually(() => settled, "the handshake is over");
  return socket;
}

test("mosquitto_pub over TLS, with a certificate that says who it is", mosquitto, async (t) => {
  const authority = makeAuthority(t);
  const listener = await startListener(
    t,
    secure(authority.issue("server", 1), { ca: authority.ca, clientCertificate: "required" }),
  );
  const good = await publish(listener.port, authority.ca, ...credentials(authority.issue("press-7", 2)));
  assert.deepEqual(good, { code: 0, said: "" });
  const [peer] = listener.peers;
  assert.deepEqual(
    [peer?.proven, peer?.local, peer?.address, peer?.listener],
    ["press-7", true, "127.0.0.1", "tls://127.0.0.1:0"],
  );

  const without = await publish(listener.port, authority.ca);
  const foreign = await publish(listener.port, authority.ca, ...credentials(makeAuthority(t).issue("press-7", 2)));
  assert.ok(without.code !== 0 && foreign.code !== 0);
  await eventually(() => listener.reasons().length >= 2, "both are counted");
  assert.deepEqual(listener.reasons(), ["certificate", "certificate"]);
  assert.equal(listener.peers.length, 1);
  await eventually(() => listener.admission.open === 0, "all have left");
});

test("optional: none is fine, a good one proves, a bad one is refused", mosquitto, async (t) => {
  const authority = makeAuthority(t);
  const more = { ca: authority.ca, clientCertificate: "optional", identity: "san-uri" } as const;
  const listener = await startListener(t, secure(authority.issue("server", 1), more));
  const device = authority.issue("a", 2, "DNS:other,URI:urn:dev:7");
  assert.equal((await publish(listener.port, authority.ca)).code, 0);
  assert.equal((await publish(listener.port, authority.ca, ...credentials(device))).code, 0);
  assert.notEqual((await publish(listener.port, authority.ca, ...credentials(authority.issue("b", 3)))).code, 0);
  const foreign = makeAuthority(t).issue("c", 4, "URI:urn:dev:7");
  assert.notEqual((await publish(listener.port, authority.ca, ...credentials(foreign))).code, 0);
  assert.deepEqual(
    listener.peers.map(({ proven }) => proven),
    [undefined, "urn:dev:7"],
  );
  assert.deepEqual(listener.reasons(), ["identity", "certificate"]);
});

test(
  "a revoked certificate is refused once the list says so, and all are when the list is out of date",
  openssl,
  async (t) => {
    const authority = makeAuthority(t);
    const [first, second] = [authority.issue("one", 0x11), authority.issue("two", 0x12)];
    const list = authority.revoke("list", [0x99]);
    const settings = secure(authority.issue("server", 1), {
      ca: authority.ca,
      clientCertificate: "required",
      crl: [list],
    });
    const listener = await startListener(t, settings);
    const own = ({ cert, key }: Certificate): ConnectionOptions => ({
      cert: readFileSync(cert),
      key: readFileSync(key),
    });
    const stays = await shake(t, listener.port, authority, own(first));
    await eventually(() => listener.peers.length === 1, "it is let in");
    const renew = async (path: string): Promise<void> => {
      const before = listener.entries.filter(({ event }) => event === "listener_renewed").length;
      replace({ cert: list, key: "" }, { cert: path, key: "" }, "cert");
      await eventually(
        () => listener.entries.filter(({ event }) => event === "listener_renewed").length > before,
        "the list is read",
      );
    };
    await renew(authority.revoke("newer", [0x11]));
    await shake(t, listener.port, authority, own(first));
    await eventually(() => listener.reasons().length === 1, "it is refused");
    await shake(t, listener.port, authority, own(second));
    await eventually(() => listener.peers.length === 2, "the other is let in");
    assert.equal(listener.peers[1]?.proven, "two");

    await renew(authority.revoke("old", [], "200201000000Z"));
    await shake(t, listener.port, authority, own(second));
    await eventually(() => listener.reasons().length === 2, "nobody is let in");
    const words = listener.entries.filter(({ event }) => event === "connection_refused").map(({ message }) => message);
    assert.match(words[0] ?? "", /CERT_REVOKED/);
    assert.match(words[1] ?? "", /CRL_HAS_EXPIRED/);
    assert.ok(listener.entries.some(({ event, level }) => event === "crl_expires" && level === "error"));
    assert.equal(stays.destroyed, false, "who is connected stays");
  },
);

test(
  "a renewed certificate is shown to new connections, half of one is not, and who is connected stays",
  openssl,
  async (t) => {
    const authority = makeAuthority(t);
    const own = authority.issue("server", 0xabcd);
    const listener = await startListener(t, secure(own));
    const client = await connectClient(t, `mqtts://127.0.0.1:${listener.port}`, { ca: readFileSync(authority.ca) });
    const serial = async (): Promise<string> =>
      (await shake(t, listener.port, authority)).getPeerCertificate().serialNumber;
    assert.equal(await serial(), "ABCD");
    const renewed = authority.issue("renewed", 0xbee5);
    const told = (event: string): boolean => listener.entries.some((entry) => entry.event === event);
    replace(own, renewed, "cert");
    await eventually(() => told("listener_certificates"), "half of a renewal is told");
    const entry = listener.entries.find(({ event }) => event === "listener_certificates");
    assert.match(entry?.message ?? "", /server\.key: the key does not belong to the certificate in .*server\.crt/);
    assert.equal(await serial(), "ABCD");
    replace(own, renewed, "key");
    await eventually(() => told("listener_renewed"), "the whole one is taken");
    assert.equal(await serial(), "BEE5");
    assert.equal(client.connected, true);
    await client.publishAsync("a", "b", { qos: 1 });
  },
);

test("openssl: nothing below TLS 1.2, no weak suite, no renegotiation", openssl, async (t) => {
  const authority = makeAuthority(t);
  const listener = await startListener(t, secure(authority.issue("server", 1)));
  const client = (...args: string[]) =>
    run("openssl", ["s_client", "-connect", `127.0.0.1:${listener.port}`, ...args], "Q\n");
  assert.match((await client("-tls1_3")).said, /New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/);
  assert.match((await client("-tls1_2")).said, /New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/);
  for (const args of [
    ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
  ])
    assert.match((await client(...args)).said, /New, \(NONE\)|no peer certificate/, args.join(" "));
  const again = await run("openssl", ["s_client", "-connect", `127.0.0.1:${listener.port}`, "-tls1_2"], "R\n");
  assert.match(again.said, /no renegotiation/);
});

test("a handshake that does not go on is ended, and its bound holds", openssl, async (t) => {
  const authority = makeAuthority(t);
  const listener = await startListener(t, secure(authority.issue("server", 1)), {
    limits: { handshakes: 3 },
    handshakeTimeout: 300,
  });
  const sockets = Array.from({ length: 4 }, () => connectTcp(listener.port, "127.0.0.1"));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.on("error", () => {}).resume();
  await eventually(() => listener.reasons().length === 4, "all are ended");
  assert.deepEqual(listener.reasons(), ["handshakes", "timeout", "timeout", "timeout"]);
  await eventually(() => listener.admission.open === 0, "all have left");
  const socket = await shake(t, listener.port, authority);
  await eventually(() => listener.peers.length === 1, "the next one is let in");
  socket.destroy();
});

test("garbage where TLS is expected is counted, and nothing else happens", openssl, async (t) => {
  const authority = makeAuthority(t);
  const listener = await startListener(t, secure(authority.issue("server", 1)));
  connectTcp(listener.port, "127.0.0.1")
    .on("error", () => {})
    .end(Buffer.from("100c00044d5154540400003c0000", "hex"));
  await eventually(() => listener.reasons().length === 1, "it is refused");
  assert.deepEqual(listener.reasons(), ["tls"]);
});

test("MQTT over a secure WebSocket", openssl, async (t) => {
  const authority = makeAuthority(t);
  const own = authority.issue("phone", 2);
  const settings = { ca: authority.ca, clientCertificate: "required" } as const;
  const listener = await startListener(t, local("wss", { tls: tls(authority.issue("server", 1), settings) }));
  const client = await connectClient(t, listener.url, {
    ca: readFileSync(authority.ca),
    cert: readFileSync(own.cert),
    key: readFileSync(own.key),
  });
  await client.publishAsync("a", "b", { qos: 2 });
  assert.equal(listener.peers[0]?.proven, "phone");
});

test("the end of a server's certificate is told", openssl, async (t) => {
  const authority = makeAuthority(t);
  let now = Date.now();
  const listener = await startListener(t, secure(authority.issue("server", 1)), { now: () => now });
  const told = () => listener.entries.filter(({ event }) => event === "certificate_expires");
  assert.deepEqual(
    told().map(({ level }) => level),
    ["warn"],
  );
  assert.match(
    told()[0]?.message ?? "",
    /server\.crt ends on \d{4}-\d\d-\d\d, in 1 day: clients refuse the server then/,
  );
  now += 3 * 86_400_000;
  await eventually(() => told().length > 1, "it has ended");
  assert.deepEqual(
    told().map(({ level }) => level),
    ["warn", "error"],
  );
});
