/** Two gateways as processes and a Redis of Debian's: one broker. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { eventually } from "../support/eventually.js";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.js";
import { collect, connectClient, next } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { type RedisServer, startRedis } from "../support/redis.js";

const NEEDS = needs("redis-server");
const DURABLE: IClientOptions = { clean: false };
const DURABLE5: IClientOptions = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 3600 },
};

interface Cluster {
  readonly redis: RedisServer;
  readonly a: GatewayProcess;
  readonly b: GatewayProcess;
}

async function startCluster(t: TestContext): Promise<Cluster> {
  const redis = await startRedis(t);
  const [a, b] = await Promise.all(
    ["a", "b"].map((id) => startGatewayProcess(t, "[]", { id, broker: `cluster: "${redis.url}"` })),
  );
  assert(a !== undefined && b !== undefined);
  return { redis, a, b };
}

/** A client that listens from before its CONNACK on: what waits for it comes at once. */
async function come(
  t: TestContext,
  { url }: GatewayProcess,
  options: IClientOptions,
): Promise<{ client: MqttClient; got: IPublishPacket[]; present: boolean }> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: 5000, ...options });
  t.after(() => client.endAsync(true));
  const got: IPublishPacket[] = [];
  client.on("message", (_topic, _payload, packet) => got.push(packet));
  client.on("error", () => {});
  const [connack] = (await next(client, "connect")) as [{ sessionPresent: boolean }];
  return { client, got, present: connack.sessionPresent };
}

const texts = (got: readonly IPublishPacket[]): string[] => got.map(({ payload }) => payload.toString());

test("a message, and a retained one, reach who is connected to the other gateway", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const near = await connectClient(t, a.url, { clientId: "near" });
  const far = await connectClient(t, b.url, { clientId: "far" });
  const { heard, until } = collect(far);
  await far.subscribeAsync(["x/+", "kept"], { qos: 2 });
  for (const qos of [0, 1, 2] as const) await near.publishAsync(`x/${qos}`, `m${qos}`, { qos });
  await near.publishAsync("kept", "1", { qos: 1, retain: true });
  await near.publishAsync("kept", "2", { qos: 1, retain: true });
  await until(() => heard.length >= 5);
  assert.deepEqual(heard.map(({ topic, payload, qos }) => `${topic} ${payload} ${qos}`).sort(), [
    "kept 1 1",
    "kept 2 1",
    "x/0 m0 0",
    "x/1 m1 1",
    "x/2 m2 2",
  ]);

  const late = await connectClient(t, b.url);
  const kept = collect(late);
  await late.subscribeAsync("kept");
  await kept.until((all) => all.length > 0);
  assert.deepEqual(kept.heard, [{ topic: "kept", payload: "2", qos: 0, retain: true }]);

  await near.publishAsync("kept", "", { qos: 1, retain: true });
  await until((all) => all.length >= 6);
  await b.kill();
  await b.start();
  const after = await connectClient(t, b.url);
  const none = collect(after);
  await near.publishAsync("also", "kept", { qos: 1, retain: true });
  await after.subscribeAsync(["kept", "also"]);
  await none.until((all) => all.length > 0);
  assert.deepEqual(
    none.heard.map(({ topic, retain }) => `${topic} ${retain}`),
    ["also true"],
  );
});

test("a session moves: its subscriptions, what waited for it, and who had it lets go", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const publisher = await connectClient(t, b.url, { ...DURABLE5, clientId: "p" });
  const first = await come(t, a, { ...DURABLE5, clientId: "s" });
  assert.equal(first.present, false);
  await first.client.subscribeAsync("t/#", { qos: 2, nl: true, rap: true, properties: { subscriptionIdentifier: 7 } });
  await first.client.endAsync();

  const properties = {
    contentType: "text/plain",
    responseTopic: "answers",
    correlationData: Buffer.from([0, 255, 1]),
    userProperties: { unit: ["Cel", "K"] },
  };
  await publisher.publishAsync("t/1", "one", { qos: 1, retain: true, properties });
  await publisher.publishAsync("t/2", "two", { qos: 2, properties: { messageExpiryInterval: 100 } });
  await publisher.publishAsync("t/3", "dead", { qos: 1, properties: { messageExpiryInterval: 0 } });
  await publisher.publishAsync("t/4", "never", { qos: 0 });

  const second = await come(t, b, { ...DURABLE5, clientId: "s" });
  assert.equal(second.present, true);
  await eventually(() => second.got.length >= 2, "what waited has come");
  const [one, two] = second.got;
  assert.equal(one?.retain, true);
  assert.equal(one?.qos, 1);
  assert.deepEqual(
    { ...one?.properties, userProperties: { ...one?.properties?.userProperties } },
    {
      ...properties,
      subscriptionIdentifier: 7,
    },
  );
  assert.equal(two?.qos, 2);
  const life = two?.properties?.messageExpiryInterval ?? 0;
  assert(life > 80 && life <= 100, `its life goes on: ${life}`);

  // Its own, to which it does not listen.
  await second.client.publishAsync("t/own", "own", { qos: 1 });
  const third = await come(t, a, { ...DURABLE5, clientId: "s" });
  await eventually(() => !second.client.connected, "who had it has let go");
  assert.equal(third.present, true);
  await publisher.publishAsync("t/5", "three", { qos: 1 });
  await eventually(() => third.got.length > 0, "it has come to where the session is now");
  assert.deepEqual(texts(third.got), ["three"]);
  assert.deepEqual(texts(second.got), ["one", "two"], "once each, in order");

  // The session ends: on every gateway.
  await third.client.endAsync();
  const clean = await come(t, b, { clientId: "s", clean: true });
  await clean.client.endAsync();
  const anew = await come(t, a, { ...DURABLE5, clientId: "s" });
  assert.equal(anew.present, false);
});

test("more than aedes gives back at once waits for a session, in order", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const first = await come(t, a, { ...DURABLE, clientId: "s" });
  await first.client.subscribeAsync("n", { qos: 1 });
  await first.client.endAsync();
  const publisher = await connectClient(t, a.url);
  const sent = Array.from({ length: 3_000 }, (_one, index) => String(index));
  for (let at = 0; at < sent.length; at += 500)
    await Promise.all(sent.slice(at, at + 500).map((text) => publisher.publishAsync("n", text, { qos: 1 })));
  const second = await come(t, b, { ...DURABLE, clientId: "s" });
  await eventually(() => second.got.length >= sent.length, "all have come");
  assert.deepEqual(texts(second.got), sent);
});

test("kill -9 while messages flow: nothing that was acknowledged is lost; the will comes once", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const watcher = await connectClient(t, b.url);
  const wills = collect(watcher);
  await watcher.subscribeAsync("will/#", { qos: 1 });
  const stays = await come(t, b, { ...DURABLE, clientId: "stays" });
  // What it has got and not yet been told to release is its own part of the session.
  const incomingStore = new mqtt.Store({ clean: false });
  const moves = await come(t, a, { ...DURABLE, clientId: "moves", incomingStore });
  for (const { client } of [stays, moves]) await client.subscribeAsync("flow/+", { qos: 2 });
  await come(t, a, { clientId: "mortal", will: { topic: "will/mortal", payload: Buffer.from("gone"), qos: 1 } });
  await come(t, a, {
    ...DURABLE,
    clientId: "lasting",
    will: { topic: "will/lasting", payload: Buffer.from("gone"), qos: 1 },
  });

  const total = 4_000;
  const acknowledged = new Set<string>();
  const servers = [a, b].map(({ port }) => ({ host: "127.0.0.1", port, protocol: "mqtt" as const }));
  const publisher = mqtt.connect({ servers, clientId: "publisher", clean: false, reconnectPeriod: 50 });
  t.after(() => publisher.endAsync(true));
  publisher.on("error", () => {});
  let sent = 0;
  const send = (): void => {
    if (sent === total) return;
    const text = String(sent++);
    const qos = sent % 2 === 0 ? 1 : 2;
    publisher.publish(`flow/${qos}`, text, { qos }, (error) => {
      if (!error) acknowledged.add(text);
      send();
    });
  };
  for (let flow = 0; flow < 50; flow++) send();
  await eventually(() => acknowledged.size > total / 3, "messages flow");
  await a.kill();
  const moved = await come(t, b, { ...DURABLE, clientId: "moves", incomingStore });
  assert.equal(moved.present, true);
  await eventually(() => acknowledged.size === total, "all are acknowledged");

  const arrived = { stays: texts(stays.got), moves: [] as string[] };
  const complete = (): boolean => {
    arrived.stays = texts(stays.got);
    arrived.moves = [...texts(moves.got), ...texts(moved.got)];
    return Object.values(arrived).every((all) => new Set(all).size === total);
  };
  await eventually(complete, "all that was acknowledged has come").catch(() => {});
  for (const [who, all] of Object.entries(arrived)) {
    const lost = [...acknowledged].filter((text) => !all.includes(text));
    const twice = all.filter((text, at) => all.indexOf(text) !== at);
    // What is published with QoS 1 has even numbers.
    const [one, two] = [1, 0].map((odd) => twice.filter((text) => Number(text) % 2 === odd).length);
    t.diagnostic(`${who}: ${total} acknowledged, ${lost.length} lost, twice: ${one} of QoS 1, ${two} of QoS 2`);
    assert.deepEqual(lost, [], who);
  }

  await wills.until((all) => new Set(all.map(({ topic }) => topic)).size >= 2);
  // Whatever would come twice comes before this.
  await watcher.publishAsync("will/end", "", { qos: 1 });
  await wills.until((all) => all.some(({ topic }) => topic === "will/end"));
  assert.deepEqual(wills.heard.map(({ topic }) => topic).sort(), ["will/end", "will/lasting", "will/mortal"]);
});

test("QoS 2 goes on where it was: a PUBREL that is missing is sent by the other gateway", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const first = await come(t, a, { ...DURABLE, clientId: "s" });
  await first.client.subscribeAsync("two", { qos: 2 });
  const publisher = await connectClient(t, b.url);
  // The second subscriber would share the packet id in aedes' own queue.
  const other = await come(t, b, { ...DURABLE, clientId: "other" });
  await other.client.subscribeAsync("two", { qos: 2 });
  await publisher.publishAsync("two", "first", { qos: 2 });
  await eventually(() => first.got.length === 1 && other.got.length === 1, "the first has come");
  await a.kill();
  for (const text of ["second", "third"]) await publisher.publishAsync("two", text, { qos: 2 });
  const moved = await come(t, b, { ...DURABLE, clientId: "s" });
  await eventually(() => moved.got.length >= 2, "the others have come");
  assert.deepEqual(texts(moved.got), ["second", "third"]);
  assert.deepEqual(texts(other.got), ["first", "second", "third"]);
});

test("Redis is killed and comes back: the sessions go on, and nothing acknowledged is lost", NEEDS, async (t) => {
  const { redis, a, b } = await startCluster(t);
  const subscriber = await come(t, b, { ...DURABLE, clientId: "s" });
  await subscriber.client.subscribeAsync("t", { qos: 1 });
  const publisher = await connectClient(t, a.url);
  await publisher.publishAsync("t", "before", { qos: 1 });
  await redis.kill();
  await eventually(() => [a, b].every(({ said }) => said.includes("cluster_lost")), "both have noticed");
  let acknowledged = false;
  const during = publisher.publishAsync("t", "during", { qos: 1 }).then(() => {
    acknowledged = true;
  });
  const refused = mqtt.connect(a.url, { reconnectPeriod: 0, clientId: "new" });
  t.after(() => refused.endAsync(true));
  const [why] = (await next(refused, "error")) as [{ code: number }];
  assert.equal(why.code, 3, "server unavailable");
  assert.equal(acknowledged, false, "not while it is not safe");
  await redis.start();
  await during;
  await eventually(() => subscriber.got.length >= 2, "both have come");
  assert.deepEqual([...new Set(texts(subscriber.got))], ["before", "during"]);
  for (const { said } of [a, b]) {
    assert.equal(said.split("cluster_lost").length, 2, "said once");
    assert.match(said, /cluster_back/);
  }
});

test("a Redis that cannot be had: the gateway does not start, and says why without the password", NEEDS, async (t) => {
  const redis = await startRedis(t, "--requirepass", "right");
  const cluster = `cluster: "redis://:wrong-one@127.0.0.1:${redis.port}"`;
  await assert.rejects(startGatewayProcess(t, "[]", { broker: cluster }), (error: Error) => {
    assert.match(error.message, /redis:\/\/127\.0\.0\.1:\d+: WRONGPASS/);
    assert.doesNotMatch(error.message, /wrong-one/);
    return true;
  });
  await redis.kill();
  await assert.rejects(
    startGatewayProcess(t, "[]", { broker: `cluster: "${redis.url}"` }),
    /connect ECONNREFUSED .*\n.*need their Redis/,
  );
});

test("a gateway that stood still finds its sessions taken: their clients come again", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const first = await come(t, a, { ...DURABLE, clientId: "s" });
  await first.client.subscribeAsync("t", { qos: 1 });
  a.freeze();
  await eventually(() => b.said.includes("cluster_node_lost"), "the other has taken its sessions");
  a.thaw();
  await eventually(() => !first.client.connected, "it has let go");
  const publisher = await connectClient(t, b.url);
  await publisher.publishAsync("t", "m", { qos: 1 });
  const again = await come(t, a, { ...DURABLE, clientId: "s" });
  assert.equal(again.present, true);
  await eventually(() => again.got.length > 0, "what waited has come");
  assert.deepEqual(texts(again.got), ["m"]);
});

test("a shared subscription: one member on each gateway gets it, and a durable one keeps it", NEEDS, async (t) => {
  const { a, b } = await startCluster(t);
  const near = await Promise.all(["n1", "n2"].map((clientId) => come(t, a, { clientId })));
  const far = await come(t, b, { ...DURABLE, clientId: "far" });
  for (const { client } of [...near, far]) await client.subscribeAsync("$share/g/t", { qos: 1 });
  const publisher = await connectClient(t, a.url);
  for (const text of ["1", "2"]) await publisher.publishAsync("t", text, { qos: 1 });
  await eventually(() => far.got.length === 2, "the other gateway's member has them");
  await eventually(() => near.every(({ got }) => got.length === 1), "those here take turns");
  await far.client.endAsync();
  await publisher.publishAsync("t", "3", { qos: 1 });
  const again = await come(t, a, { ...DURABLE, clientId: "far" });
  await eventually(() => again.got.length === 1, "what it missed has come");
  assert.deepEqual(texts(again.got), ["3"]);
});
