import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createWebSocketStream, WebSocketServer } from "ws";
import { type Certificate, makeAuthority, replace } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { numbersOf, publishNumbers, range } from "../support/numbers.js";
import { needs } from "../support/peers.js";
import { freePort } from "../support/ports.js";
import { startStrictUpstream } from "../support/strict-upstream/started.js";
import { startTlsFront } from "../support/tls-front.js";

const peers = needs("openssl");

function files(ca: string, { cert, key }: Certificate): string {
  return `ca: ${ca}, cert: ${cert}, key: ${key}`;
}

test("mosquitto that asks for a certificate", needs("openssl", "mosquitto"), async (t) => {
  const authority = makeAuthority(t);
  const { cert, key } = authority.issue("server", 1);
  const own = authority.issue("gateway", 2);
  const port = await freePort();
  // `user`: started by root it would give up root, and could not read the files.
  const plain = await startMosquitto(
    t,
    `user root
listener ${port} 127.0.0.1
cafile ${authority.ca}
certfile ${cert}
keyfile ${key}
require_certificate true
`,
  );
  const bridge = (tls: string): string =>
    `[{ id: up, url: "mqtts://127.0.0.1:${port}", backoff: { min: 50ms, max: 100ms }, tls: { ${tls} } }]`;

  await t.test("takes one of its authority", async (s) => {
    const subscriber = await connectClient(s, plain.url);
    const { until } = collect(subscriber);
    await subscriber.subscribeAsync("weir/n", { qos: 2 });
    const gateway = await startGatewayWith(s, bridge(files(authority.ca, own)));
    const client = await connectClient(s, gateway.listeners[0]);
    await client.publishAsync("weir/n", "hello", { qos: 2 });
    await until((all) => all.some(({ payload }) => payload === "hello"));
  });

  for (const [what, tls, words] of [
    ["whose authority is not ours", files(makeAuthority(t).ca, own), /bridge up: .*self-signed certificate/i],
    ["whose authority the system does not know", `cert: ${own.cert}, key: ${own.key}`, /bridge up: .*certificate/i],
    ["that gets no certificate of ours", `ca: ${authority.ca}`, /bridge up: .*certificate required/i],
  ] as const) {
    await t.test(`${what}: not connected, and the log says why`, async (s) => {
      const lines: string[] = [];
      const gateway = await startGatewayWith(s, bridge(tls), { log: (line) => lines.push(line) });
      await eventually(() => lines.some((line) => line.includes("bridge_error")), "it fails");
      const line = lines.find((each) => each.includes("bridge_error")) ?? "";
      assert.match(line, words);
      assert.equal(count(gateway, "bridge_up"), 0);
    });
  }
});

/** Files are looked at every 10 s: both at once. */
test("renewal of a certificate", { ...peers, concurrency: true }, async (t) => {
  await Promise.all([
    t.test("a new one is used, and nothing is lost or comes twice at QoS 2", async (s) => {
      const { authority, own, front, upstream, gateway } = await renewable(s);
      const client = await connectClient(s, gateway.listeners[0]);
      let sent = 0;
      const more = async (): Promise<void> => {
        await publishNumbers(client, "weir/n", 2, [sent, sent + 20]);
        sent += 20;
        await sleep(20);
      };
      await more();
      replace(own, authority.issue("renewed", 0xbee5), "cert", "key");
      await eventually(async () => {
        await more();
        return count(gateway, "bridge_renewed") > 0;
      }, "the new one is used");
      await more();
      await eventually(() => numbersOf(upstream.taken(), "weir/n").length >= sent, "all have arrived");
      await more();
      await eventually(() => numbersOf(upstream.taken(), "weir/n").length >= sent, "all have arrived");
      assert.deepEqual(numbersOf(upstream.taken(), "weir/n"), range(0, sent));
      assert.deepEqual(upstream.violations(), []);
      const serials = front.guests.map(({ serial }) => serial);
      assert.deepEqual([serials[0], serials.at(-1)], ["ABCD", "BEE5"]);
      assert.equal(count(gateway, "bridge_down"), 0);
    }),
    t.test("half of one keeps the old connection and says so", async (s) => {
      const { authority, own, front, upstream, gateway, lines } = await renewable(s);
      const before = front.guests.length;
      replace(own, authority.issue("renewed", 0xbee5), "cert");
      await eventually(() => count(gateway, "bridge_credentials") > 0, "it is told");
      assert.match(lines.find((line) => line.includes("bridge_credentials")) ?? "", /keeping the old ones: .*key/);
      const client = await connectClient(s, gateway.listeners[0]);
      await publishNumbers(client, "weir/n", 2, [0, 10]);
      await eventually(() => upstream.taken().length >= 10, "it still carries");
      assert.equal(front.guests.length, before);
      assert.equal(count(gateway, "bridge_up"), 1);
    }),
  ]);
});

async function renewable(t: TestContext) {
  const authority = makeAuthority(t);
  const own = authority.issue("gateway", 0xabcd);
  const upstream = await startStrictUpstream(t);
  const front = await startTlsFront(t, upstream.port, authority);
  const lines: string[] = [];
  const gateway = await startGatewayWith(
    t,
    `[{ id: up, url: "mqtts://127.0.0.1:${front.port}", tls: { ${files(authority.ca, own)} } }]`,
    { log: (line) => lines.push(line) },
  );
  await eventually(() => count(gateway, "bridge_up") > 0, "the bridge is up");
  return { authority, own, front, upstream, gateway, lines };
}

test("the application protocol is offered (ALPN)", peers, async (t) => {
  const authority = makeAuthority(t);
  const own = authority.issue("gateway", 2);
  const upstream = await startStrictUpstream(t);
  const front = await startTlsFront(t, upstream.port, authority, ["other", "x-amzn-mqtt-ca"]);
  const url = `mqtts://127.0.0.1:${front.port}`;
  const gateway = await startGatewayWith(
    t,
    `[{ id: up, url: "${url}", tls: { ${files(authority.ca, own)}, alpn: [x-amzn-mqtt-ca] } }]`,
  );
  await eventually(() => count(gateway, "bridge_up") > 0, "the bridge is up");
  assert.equal(front.guests[0]?.protocol, "x-amzn-mqtt-ca");
});

test("wss carries with the same certificates", peers, async (t) => {
  const authority = makeAuthority(t);
  const own = authority.issue("gateway", 0xabcd);
  const { cert, key } = authority.issue("server", 1);
  const upstream = await startStrictUpstream(t);
  const server = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: readFileSync(authority.ca),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sockets = new WebSocketServer({ server, path: "/mqtt" });
  sockets.on("connection", (socket) => {
    const near = createWebSocketStream(socket);
    const far = connect(upstream.port, "127.0.0.1");
    near.on("error", () => far.destroy()).pipe(far);
    far.on("error", () => near.destroy()).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`;
  const gateway = await startGatewayWith(t, `[{ id: up, url: "${url}", tls: { ${files(authority.ca, own)} } }]`);
  const client = await connectClient(t, gateway.listeners[0]);
  await publishNumbers(client, "weir/n", 2, [0, 300]);
  await eventually(() => upstream.taken().length >= 300, "all have arrived");
  assert.deepEqual(numbersOf(upstream.taken(), "weir/n"), range(0, 300));
});
