/** Every violation that the strict upstream is to find, done once over a socket; and what it must not call one. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Packet, QoS } from "mqtt-packet";
import { type RawClient, rawClient } from "../../../support/raw-mqtt.js";
import { owned, tail } from "../../../support/strict-upstream/ledger.js";
import { openStrictUpstream, type StrictUpstream } from "../../../support/strict-upstream/server.js";
import type { Entry, Method, ViolationKind } from "../../../support/strict-upstream/session.js";

interface Bench {
  readonly ledger: string;
  upstream: StrictUpstream;
  entries(): Entry[];
  restart(): Promise<void>;
}

interface Options {
  readonly method?: Method;
  readonly delay?: number;
  readonly receiveMaximum?: number;
}

async function bench(t: TestContext, { method = "B", delay = 0, receiveMaximum }: Options = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "weir-strict-"));
  const ledger = join(folder, "ledger");
  const random = {
    next: () => 1,
    between: () => 0,
    chance: () => false,
    pick: <T>(from: readonly [T, ...T[]]) => from[0],
  };
  const open = (): Promise<StrictUpstream> =>
    openStrictUpstream({ port: 0, ledger, method, delay, receiveMaximum, random });
  const site: Bench = {
    ledger,
    upstream: await open(),
    entries: () => {
      const reader = tail(ledger);
      const entries = reader.read();
      reader.close();
      return entries;
    },
    restart: async () => {
      await site.upstream.close();
      site.upstream = await open();
    },
  };
  t.after(async () => {
    await site.upstream.close();
    rmSync(folder, { recursive: true });
  });
  return site;
}

function violations(site: Bench): ViolationKind[] {
  return site.entries().flatMap((entry) => (entry.at === "violation" ? [entry.kind] : []));
}

function payloads(site: Bench): string[] {
  return owned(site.entries()).map(({ payload }) => payload);
}

const CONNECT: Packet = { cmd: "connect", clientId: "c", clean: false, keepalive: 0, protocolVersion: 4 };
const CONNECT5: Packet = { ...CONNECT, protocolVersion: 5, properties: { sessionExpiryInterval: 0xffff_ffff } };

function publish(messageId: number, payload: string, qos: QoS, dup = false, topic = "t"): Packet {
  return { cmd: "publish", messageId, topic, payload, qos, dup, retain: false };
}
const pubrel = (messageId: number): Packet => ({ cmd: "pubrel", messageId });

/** Plays rows of packets, each row in a connection of its own. */
async function play(site: Bench, ...rows: Packet[][]): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (const row of rows) {
    const version = row.some((packet) => packet === CONNECT5) ? 5 : 4;
    const client = await rawClient(site.upstream.port, version);
    clients.push(client);
    client.send(...row);
    await client.settled();
    await client.drop();
  }
  return clients;
}

const SLOW = { delay: 10_000 };
const again = true;
const WRONG: readonly [string, ViolationKind[], Packet[][], Options?][] = [
  ["a packet before CONNECT", ["not_connect_first"], [[publish(1, "a", 1)]]],
  ["CONNECT twice", ["connect_twice"], [[CONNECT, CONNECT]]],
  ["an acknowledgement of nothing", ["malformed"], [[CONNECT, { cmd: "puback", messageId: 9 }]]],
  [
    "QoS 1 again without DUP",
    ["dup_missing"],
    [
      [CONNECT, publish(1, "a", 1)],
      [CONNECT, publish(1, "a", 1)],
    ],
  ],
  [
    "QoS 2 again without DUP",
    ["dup_missing"],
    [
      [CONNECT, publish(1, "a", 2)],
      [CONNECT, publish(1, "a", 2)],
    ],
  ],
  ["a QoS 1 id before its PUBACK", ["id_reused"], [[CONNECT, publish(1, "a", 1), publish(1, "b", 1)]], SLOW],
  ["a QoS 2 id before its PUBREL", ["id_reused"], [[CONNECT, publish(1, "a", 2), publish(1, "b", 2)]]],
  [
    "a QoS 2 id in a later connection",
    ["id_reused"],
    [
      [CONNECT, publish(1, "a", 2)],
      [CONNECT, publish(1, "b", 2)],
    ],
  ],
  ["a QoS 2 id for QoS 1", ["id_reused"], [[CONNECT, publish(1, "a", 2), publish(1, "b", 1)]]],
  [
    "again under another id",
    ["id_changed"],
    [
      [CONNECT, publish(1, "a", 1)],
      [CONNECT, publish(2, "a", 1, again)],
    ],
  ],
  [
    "MQTT 5: again without a new connection",
    ["resent_without_reconnect"],
    [[CONNECT5, publish(1, "a", 2), publish(1, "a", 2, again)]],
  ],
  [
    "PUBLISH after its PUBREL",
    ["publish_after_pubrel"],
    [
      [CONNECT, publish(1, "a", 2), pubrel(1)],
      [CONNECT, publish(1, "a", 2, again)],
    ],
  ],
  ["PUBREL of nothing", ["pubrel_unknown"], [[CONNECT, pubrel(7)]]],
  ["PUBREL of a QoS 1 message", ["pubrel_unknown"], [[CONNECT, publish(1, "a", 1), pubrel(1)]]],
  ["PUBREL before PUBREC", ["pubrel_early"], [[CONNECT, publish(1, "a", 2), pubrel(1)]], SLOW],
  [
    "more than the receive maximum",
    ["receive_maximum"],
    [[CONNECT5, publish(1, "a", 1), publish(2, "b", 2), publish(3, "c", 1)]],
    { ...SLOW, receiveMaximum: 2 },
  ],
  ["a topic alias", ["topic_alias"], [[CONNECT5, { ...publish(1, "a", 1), properties: { topicAlias: 1 } } as Packet]]],
  [
    "redelivered in another order",
    ["order"],
    [
      [CONNECT, publish(1, "a", 1), publish(2, "b", 1)],
      [CONNECT, publish(2, "b", 1, again), publish(1, "a", 1, again)],
    ],
  ],
  [
    "a new one of the topic before a redelivery",
    ["order"],
    [
      [CONNECT, publish(1, "a", 1)],
      [CONNECT, publish(2, "b", 1), publish(1, "a", 1, again)],
    ],
  ],
  [
    "PUBRELs in another order than PUBRECs",
    ["order"],
    [[CONNECT, publish(1, "a", 2), publish(2, "b", 2), pubrel(2), pubrel(1)]],
  ],
  [
    "PUBRELs of an earlier connection in another order",
    ["order"],
    [
      [CONNECT, publish(1, "a", 2), publish(2, "b", 2)],
      [CONNECT, pubrel(2), pubrel(1)],
    ],
  ],
];

for (const [name, kinds, rows, options] of WRONG) {
  test(`finds ${name}`, async (t) => {
    const site = await bench(t, options);
    await play(site, ...rows);
    assert.deepEqual(violations(site), kinds);
  });
}

test("finds what is no MQTT", async (t) => {
  const site = await bench(t);
  const client = await rawClient(site.upstream.port);
  client.send(CONNECT, { cmd: "pingreq" });
  await client.settled();
  client.send(Buffer.from([0x36, 5, 0, 1, 0x74, 0, 1])); // PUBLISH at QoS 3
  await client.settled();
  assert.deepEqual(violations(site), ["malformed"]);
});

test("a client that recovers as it should is not accused, over lost acknowledgements and a restart", async (t) => {
  const site = await bench(t, { method: "A" });
  await play(site, [CONNECT, publish(1, "a", 1), publish(2, "b", 2), publish(3, "c", 2), pubrel(2)]);
  await site.restart();
  // Nothing of the above was heard but the PUBREC of 2. The PUBLISH of 4 was lost on the way.
  const rows = [CONNECT, publish(1, "a", 1, again), pubrel(2), publish(3, "c", 2, again), publish(4, "d", 1, again)];
  const [client] = await play(site, [...rows, pubrel(3), publish(5, "e", 1)], [CONNECT, publish(1, "f", 1)]);
  assert.deepEqual(violations(site), []);
  assert.deepEqual(payloads(site), ["a", "b", "a", "d", "c", "e", "f"]);
  assert.equal(client?.heard.find((packet) => packet.cmd === "connack")?.sessionPresent, true);
});

test("a state is said again at every connection without being a redelivery", async (t) => {
  const site = await bench(t);
  const online = { ...publish(1, "online", 1), retain: true } as Packet;
  await play(site, [CONNECT, online], [CONNECT, online]);
  assert.deepEqual(violations(site), []);
});

for (const method of ["A", "B"] as const) {
  test(`method ${method}: a QoS 2 message is owned once, at ${method === "A" ? "PUBREL" : "PUBLISH"}`, async (t) => {
    const site = await bench(t, { method });
    await play(site, [CONNECT, publish(1, "a", 2)]);
    assert.deepEqual(payloads(site), method === "A" ? [] : ["a"]);
    await site.restart();
    await play(site, [CONNECT, publish(1, "a", 2, again), pubrel(1)], [CONNECT, pubrel(1)]);
    assert.deepEqual(payloads(site), ["a"]);
    assert.deepEqual(violations(site), []);
  });
}

test("an id in use swallows what is sent under it, as the standard has it (MQTT-4.3.3-2)", async (t) => {
  const site = await bench(t);
  await play(site, [CONNECT, publish(1, "a", 2)], [CONNECT, publish(1, "b", 2), pubrel(1)]);
  assert.deepEqual(payloads(site), ["a"]);
});

test("a clean session forgets; MQTT 5 keeps one for as long as it was told", async (t) => {
  const site = await bench(t);
  const present = async (packet: Packet): Promise<unknown> => {
    const client = await rawClient(site.upstream.port, (packet as { protocolVersion: 4 | 5 }).protocolVersion);
    client.send(packet);
    await client.settled();
    await client.drop();
    const [connack] = client.heard;
    return connack?.cmd === "connack" && connack.sessionPresent;
  };
  assert.equal(await present(CONNECT), false);
  assert.equal(await present(CONNECT), true);
  assert.equal(await present({ ...CONNECT, clean: true } as Packet), false);
  assert.equal(await present(CONNECT), false);
  assert.equal(await present({ ...CONNECT5, clientId: "d", properties: {} } as Packet), false);
  assert.equal(await present({ ...CONNECT5, clientId: "d" } as Packet), false);
  await site.restart();
  assert.equal(await present({ ...CONNECT5, clientId: "d" } as Packet), true);
});

test("nothing is acknowledged before it is in the ledger, and a line that was cut off is taken back", async (t) => {
  const site = await bench(t, SLOW);
  const [client] = await play(site, [CONNECT, publish(1, "a", 1)]);
  assert.deepEqual(payloads(site), ["a"]);
  assert.equal(
    client?.heard.some((packet) => packet.cmd === "puback"),
    false,
  );
  appendFileSync(site.ledger, '{"at":"publish","cli');
  await site.restart();
  await play(site, [CONNECT, publish(2, "b", 1)]);
  assert.deepEqual(payloads(site), ["a", "b"]);
  assert.equal(readFileSync(site.ledger, "utf8").includes('"cli{'), false);
});
