import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { MqttClient } from "mqtt";
import { startBroker } from "../support/broker.js";
import { answerIn, libcoap, observe, type PubSubBench, startPubSub, writeUsers } from "../support/coap-pubsub.js";
import { startDialogue } from "../support/dialogue.js";
import { eventually } from "../support/eventually.js";
import { count } from "../support/gateway.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freePort } from "../support/ports.js";
import { run } from "../support/run.js";

const NEEDS = needs("coap-client-notls");
const USERS = { admin: "public", ann: "secret" };

async function connect({ port }: PubSubBench, query: string): Promise<string> {
  const { code, text } = await libcoap(`coap://127.0.0.1:${port}/mqtt/connection?${query}`, "-m", "post", "-e", "");
  assert.equal(code, "2.01", text);
  return text;
}

test("what nobody may publish, read or subscribe to is 4.03, and everything else goes on", NEEDS, async (t) => {
  const { port } = await startPubSub(t, {
    users: USERS,
    broker: `, acl: { rules: [{ allow: publish, user: ann, topics: ["up/%c"] }, { allow: subscribe, user: ann, topics: ["down/#"] }] }`,
  });
  const ask = (method: string, path: string, ...args: string[]) =>
    libcoap(`coap://127.0.0.1:${port}/ps/${path}?c=press&u=ann&p=secret`, "-m", method, ...args);
  assert.equal((await ask("post", "up/press", "-e", "1")).code, "2.04");
  assert.equal((await ask("post", "up/other", "-e", "1")).code, "4.03");
  assert.equal((await ask("delete", "up/other")).code, "4.03");
  assert.equal((await ask("get", "up/press")).code, "4.03");
  assert.equal((await ask("get", "down/press")).code, "4.04");
  assert.equal((await ask("get", "up/press", "-s", "1")).code, "4.03");
  assert.equal((await ask("get", "down/press", "-s", "1")).code, "2.05");
  // Part of it may be subscribed to, as through MQTT: what may not be had is kept back.
  assert.equal((await ask("get", "%23", "-s", "1")).code, "2.05");
});

test(
  "a wrong password is 4.01 in both modes, and so is none; who guesses on is told to come later",
  NEEDS,
  async (t) => {
    const { port } = await startPubSub(t, { users: USERS, broker: ", anonymous: false" });
    const publish = (query: string) => libcoap(`coap://127.0.0.1:${port}/ps/a${query}`, "-m", "post", "-e", "1");
    assert.equal((await publish("?username=admin&password=public")).code, "2.04");
    assert.equal((await publish("?username=admin&password=wrong")).code, "4.01");
    assert.equal((await publish("?username=admin")).code, "4.01");
    assert.equal((await publish("")).code, "4.01");
    const connection = `coap://127.0.0.1:${port}/mqtt/connection?clientid=1&username=admin&password=wrong`;
    assert.equal((await libcoap(connection, "-m", "post", "-e", "")).code, "4.01");
    let later = await publish("?u=admin&p=wrong");
    for (let guesses = 0; guesses < 10 && later.code === "4.01"; guesses++) later = await publish("?u=admin&p=wrong");
    assert.deepEqual([later.code, later.options], ["5.03", "Max-Age:10"]);
    assert.equal((await publish("?u=ann&p=secret")).code, "2.04", "others come in");
  },
);

test("a connection ends without a heartbeat, and its observers are told", NEEDS, async (t) => {
  const bench = await startPubSub(t, { pubsub: "{ connectionRequired: true, heartbeat: 1s }" });
  const base = `coap://127.0.0.1:${bench.port}`;
  const token = await connect(bench, "clientid=press");
  const who = `clientid=press&token=${token}`;
  const { heard } = await observe(t, `${base}/ps/a?${who}`);
  const twice = Date.now() + 3_000;
  while (Date.now() < twice)
    assert.equal((await libcoap(`${base}/mqtt/connection?${who}`, "-m", "put", "-e", "")).code, "2.04");
  assert.equal((await libcoap(`${base}/ps/a?${who}`, "-m", "post", "-e", "beat")).code, "2.04");
  await eventually(() => heard().some(({ code }) => code === "4.01"), "the observer is told");
  assert.equal(heard()[0]?.text, "beat");
  const late = await libcoap(`${base}/ps/a?${who}`, "-m", "post", "-e", "late");
  assert.deepEqual([late.code, late.text], ["4.01", "there is no such connection"]);
  assert.equal((await libcoap(`${base}/ps/a`, "-m", "post", "-e", "late")).code, "4.00", "a token is wanted");
});

test("who connects with the same client id, by either protocol, takes the connection over", NEEDS, async (t) => {
  const bench = await startPubSub(t);
  const base = `coap://127.0.0.1:${bench.port}`;
  const first = await connect(bench, "clientid=press");
  const { heard } = await observe(t, `${base}/ps/a?clientid=press&token=${first}`);
  const second = await connect(bench, "clientid=press");
  await eventually(() => heard().length === 1, "the first one is told");
  assert.equal(heard()[0]?.code, "4.01");
  const publish = (token: string) => libcoap(`${base}/ps/b?c=press&t=${token}`, "-m", "post", "-e", "x");
  assert.equal((await publish(first)).code, "4.01");
  assert.equal((await publish(second)).code, "2.04");
  await connectClient(t, bench.mqtt, { clientId: "press" });
  assert.equal((await publish(second)).code, "4.01");
});

test("a user whose password is changed is out at once", NEEDS, async (t) => {
  const bench = await startPubSub(t, { users: USERS });
  const token = await connect(bench, "clientid=press&username=ann&password=secret");
  const { heard } = await observe(t, `coap://127.0.0.1:${bench.port}/ps/a?c=press&t=${token}`);
  await writeUsers(`${bench.folder}/users`, { ...USERS, ann: "another" });
  await eventually(() => heard().length === 1, "the observer is told");
  assert.equal(heard()[0]?.code, "4.01");
});

test("messages go up a bridge and come down it", NEEDS, async (t) => {
  const far = await startBroker(t);
  const rules = `[{ filter: "plant/#", direction: out }, { filter: "down/#", direction: in }]`;
  const bench = await startPubSub(t, { bridges: `[{ id: up, url: "mqtt://127.0.0.1:${far.port}", rules: ${rules} }]` });
  const { until } = collect(await connectClient(t, far.urls[0]).then(subscribedTo("plant/#")));
  const base = `coap://127.0.0.1:${bench.port}/ps`;
  assert.equal((await libcoap(`${base}/plant/a`, "-m", "post", "-e", "up")).code, "2.04");
  assert.deepEqual((await until((all) => all.length === 1))[0]?.payload, "up");
  const { heard } = await observe(t, `${base}/down/a`);
  await eventually(() => count(bench.gateway, "bridge_up") > 0, "the bridge is up");
  await eventually(() => {
    void far.publish({ topic: "down/a", payload: Buffer.from("down"), qos: 1, retain: false });
    return heard().some(({ text }) => text === "down");
  }, "it came down");
});

test(
  "at a full outbox it is 5.03, with when to come again; QoS 0 is taken and lost, as that of MQTT clients",
  NEEDS,
  async (t) => {
    const nobody = await freePort();
    const { port } = await startPubSub(t, {
      bridges: `[{ id: up, url: "mqtt://127.0.0.1:${nobody}", outbox: { maxMessages: 2, whenFull: refuse }, rules: [{ filter: "plant/#", direction: out }] }]`,
    });
    const post = (path: string, ...args: string[]) =>
      libcoap(`coap://127.0.0.1:${port}/ps/${path}`, "-m", "post", "-e", "x", ...args);
    assert.deepEqual([(await post("plant/a")).code, (await post("plant/a")).code], ["2.04", "2.04"]);
    const full = await post("plant/a");
    assert.deepEqual([full.code, full.options], ["5.03", "Max-Age:30"]);
    assert.equal((await post("plant/a", "-N")).code, "2.04");
    assert.equal((await post("other")).code, "2.04");
  },
);

/** The examples of EMQX's documentation (CoAP Gateway, Reference), as they are written but for the port. */
const EXAMPLES = {
  connect: `coap-client -m post -e "" "coap://127.0.0.1/mqtt/connection?clientid=123&username=admin&password=public"`,
  disconnect: `coap-client -m delete -e "" "coap://127.0.0.1/mqtt/connection?clientid=123&token=3404490787"`,
  heartbeat: `coap-client -m put -e "" "coap://127.0.0.1/mqtt/connection?clientid=123&token=3404490787"`,
  publish: `coap-client -m post -e "Hi, this is libcoap" "coap://127.0.0.1/ps/coap/test"`,
  publishConnected: `coap-client -m post -e "Hi, this is libcoap" "coap://127.0.0.1/ps/coap/test?clientid=123&token=3404490787"`,
  subscribe: `coap-client -m get -s 60 -O 6,0x00 -o - -T "obstoken" "coap://127.0.0.1/ps/coap/test"`,
  unsubscribe: `coap-client -m get -O 6,0x01 "coap://127.0.0.1/ps/coap/test?clientid=123&token=3404490787"`,
};
const TOKEN = "3404490787";

function commandOf(bench: PubSubBench, command: string, token = TOKEN): string {
  return command
    .replace("coap-client", "exec stdbuf -oL coap-client-notls -v 6 -B 60")
    .replace("127.0.0.1", `127.0.0.1:${bench.port}`)
    .replace(TOKEN, token);
}

async function example(bench: PubSubBench, command: string, token = TOKEN): Promise<string> {
  return (await run("sh", ["-c", commandOf(bench, command, token)])).said;
}

test("EMQX's examples without a connection work as they are written", NEEDS, async (t) => {
  const bench = await startPubSub(t);
  const observer = startDialogue(t, "sh", ["-c", commandOf(bench, EXAMPLES.subscribe)]);
  await observer.hears("c:2\\.05 [^\\n]*Observe");
  const { until } = await mqttSubscriber(t, bench);
  assert.equal(answerIn(await example(bench, EXAMPLES.publish)).code, "2.04");
  assert.equal((await until((all) => all.length > 0))[0]?.payload, "Hi, this is libcoap");
  await observer.hears(":: 'Hi, this is libcoap'");
});

test("EMQX's examples with a connection work as they are written", NEEDS, async (t) => {
  const bench = await startPubSub(t, { pubsub: "{ connectionRequired: true }", users: USERS });
  const said = answerIn(await example(bench, EXAMPLES.connect));
  assert.equal(said.code, "2.01");
  const token = said.text;
  const code = async (command: string) => answerIn(await example(bench, command, token)).code;
  assert.equal(await code(EXAMPLES.heartbeat), "2.04");
  const { heard } = await observe(
    t,
    `coap://127.0.0.1:${bench.port}/ps/coap/test?clientid=123&token=${token}`,
    ...["-O", "6,0x00", "-o", "-", "-T", "obstoken"],
  );
  const { until } = await mqttSubscriber(t, bench);
  assert.equal(await code(EXAMPLES.publishConnected), "2.04");
  await eventually(() => heard().length === 1, "it came");
  assert.equal(heard()[0]?.text, "Hi, this is libcoap");
  assert.equal(await code(EXAMPLES.unsubscribe), "2.07");
  assert.equal(await code(EXAMPLES.publishConnected), "2.04");
  await until((all) => all.length === 2);
  assert.equal(heard().length, 1, "nothing comes any more");
  assert.equal(await code(EXAMPLES.disconnect), "2.02");
  assert.equal(await code(EXAMPLES.publishConnected), "4.01");
});

function subscribedTo(filter: string) {
  return async (client: MqttClient): Promise<MqttClient> => {
    await client.subscribeAsync(filter, { qos: 1 });
    return client;
  };
}

async function mqttSubscriber(t: TestContext, { mqtt }: PubSubBench) {
  const client = await connectClient(t, mqtt, { username: "admin", password: "public" });
  const collected = collect(client);
  await client.subscribeAsync("coap/#", { qos: 1 });
  return collected;
}
