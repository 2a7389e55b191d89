import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeMessage, OPTION, type Option, parseMessage, uint } from "../../src/protocols/coap/index.js";
import { libcoap, observe, startPubSub } from "../support/coap-pubsub.js";
import { eventually } from "../support/eventually.js";
import { collect, connectClient, nextMessage } from "../support/mqtt.js";
import { needs } from "../support/peers.js";

const NEEDS = needs("coap-client-notls");

test(
  "what is published through CoAP reaches MQTT subscribers, with the QoS that it says or its message type has",
  NEEDS,
  async (t) => {
    const { mqtt, port } = await startPubSub(t);
    const subscriber = await connectClient(t, mqtt, { protocolVersion: 5 });
    const { until } = collect(subscriber);
    await subscriber.subscribeAsync("plant/#", { qos: 2 });
    const base = `coap://127.0.0.1:${port}/ps/plant/air`;
    assert.equal((await libcoap(base, "-m", "post", "-e", "con")).code, "2.04");
    assert.equal((await libcoap(base, "-N", "-m", "post", "-e", "non")).code, "2.04");
    assert.equal((await libcoap(`${base}?qos=2`, "-m", "post", "-e", "qos")).code, "2.04");
    assert.equal((await libcoap(`${base}?q=0&c=press`, "-m", "post", "-e", "short")).code, "2.04");
    const heard = await until((all) => all.length === 4);
    assert.deepEqual(
      heard.map(({ topic, payload, qos }) => `${topic} ${payload} ${qos}`),
      ["plant/air con 1", "plant/air non 0", "plant/air qos 2", "plant/air short 0"],
    );
  },
);

test("a retained message is published, read, expires and is deleted", NEEDS, async (t) => {
  const { mqtt, port } = await startPubSub(t);
  const uri = `coap://127.0.0.1:${port}/ps/plant/air`;
  assert.equal((await libcoap(uri, "-m", "get")).code, "4.04");
  await libcoap(`${uri}?retain=true&expiry=3600`, "-m", "post", "-e", "21.5");
  assert.deepEqual(await libcoap(uri, "-m", "get"), { code: "2.05", options: "", text: "21.5" });
  const later = await connectClient(t, mqtt, { protocolVersion: 5 });
  const expiry = new Promise((resolve) =>
    later.once("message", (_topic, _payload, { retain, properties }) =>
      resolve([retain, properties?.messageExpiryInterval]),
    ),
  );
  await later.subscribeAsync("plant/air", { qos: 1 });
  const [retain, left] = (await expiry) as [boolean, number];
  assert.ok(retain && left > 3_500 && left <= 3_600, `${left} s are left`);
  assert.equal((await libcoap(uri, "-m", "delete")).code, "2.02");
  assert.equal((await libcoap(uri, "-m", "get")).code, "4.04");
});

test("what MQTT clients publish comes as notifications, of each QoS as its own kind of message", NEEDS, async (t) => {
  const { mqtt, port } = await startPubSub(t);
  const publisher = await connectClient(t, mqtt);
  await publisher.publishAsync("plant/b", "retained", { qos: 1, retain: true });
  const { heard } = await observe(t, `coap://127.0.0.1:${port}/ps/plant/%2b?qos=1`);
  await eventually(() => heard().length === 1, "the retained one came");
  for (const [text, qos] of [
    ["one", 1],
    ["zero", 0],
    ["two", 2],
  ] as const)
    await publisher.publishAsync(`plant/${text}`, text, { qos });
  await eventually(() => heard().length === 4, "all came");
  assert.deepEqual(
    heard().map(({ type, code, text }) => `${type} ${code} ${text}`),
    ["CON 2.05 retained", "CON 2.05 one", "NON 2.05 zero", "CON 2.05 two"],
  );
});

test("no message takes the place of another: a thousand arrive, in their order", NEEDS, async (t) => {
  const { mqtt, port } = await startPubSub(t);
  const publisher = await connectClient(t, mqtt);
  const { heard } = await observe(t, `coap://127.0.0.1:${port}/ps/count`);
  for (let count = 0; count < 1_000; count++) void publisher.publishAsync("count", String(count), { qos: 1 });
  await eventually(() => heard().length >= 1_000, "all came", 60_000);
  assert.deepEqual(
    heard().map(({ text }) => text),
    Array.from({ length: 1_000 }, (_, count) => String(count)),
  );
});

test("a message of several blocks arrives whole, and the next one after it", NEEDS, async (t) => {
  const { mqtt, port, folder } = await startPubSub(t);
  const publisher = await connectClient(t, mqtt);
  const file = join(folder, "received");
  const { program } = await observe(t, `coap://127.0.0.1:${port}/ps/large?qos=1`, "-o", file);
  const large = Array.from({ length: 500 }, (_, count) => `<${count}>`).join("");
  for (const text of ["small", large, "last"]) await publisher.publishAsync("large", text, { qos: 1 });
  await eventually(() => /:: 'last'/.test(program.said), "the last one came");
  assert.ok(readFileSync(file, "utf8") === `small${large}last`, "the blocks of one are in a row");
});

test("a publish in several blocks is one message", NEEDS, async (t) => {
  const { mqtt, port, folder } = await startPubSub(t, { files: { body: "y".repeat(5_000) } });
  const subscriber = await connectClient(t, mqtt);
  const heard = nextMessage(subscriber);
  await subscriber.subscribeAsync("large");
  await libcoap(`coap://127.0.0.1:${port}/ps/large`, "-m", "post", "-f", `${folder}/body`);
  assert.equal((await heard).payload, "y".repeat(5_000));
});

test("requests that say something impossible are refused, each with its code", NEEDS, async (t) => {
  const { port } = await startPubSub(t, { pubsub: "{ maxPayload: 10 }" });
  const cases: [method: string, path: string, code: string][] = [
    ["post", "ps", "4.00"],
    ["post", "ps/a%23", "4.00"],
    ["post", "ps/$SYS/uptime", "4.03"],
    ["post", "ps/a?qos=3", "4.00"],
    ["post", "ps/a?qos=1&q=1", "4.00"],
    ["post", "ps/a?retain=maybe", "4.00"],
    ["post", "ps/a?expiry=soon", "4.00"],
    ["post", "ps/a?clientid=", "4.00"],
    ["put", "ps/a", "4.05"],
    ["get", "ps/a/%2b", "4.00"],
    ["get", "mqtt/connection", "4.05"],
    ["post", "mqtt/connection", "4.00"],
    ["post", "mqtt/other", "4.04"],
    ["put", "mqtt/connection?clientid=a", "4.00"],
    ["put", "mqtt/connection?clientid=a&token=b", "4.01"],
    ["delete", "mqtt/connection?clientid=a&token=b", "2.02"],
    ["post", "ps/a?clientid=a&token=b", "4.01"],
    ["post", "ps/a?token=b", "4.00"],
    ["post", "other", "4.04"],
  ];
  for (const [method, path, code] of cases) {
    const body = method === "post" ? ["-e", "x"] : [];
    const answer = await libcoap(`coap://127.0.0.1:${port}/${path}`, "-m", method, ...body);
    assert.equal(answer.code, code, `${method} ${path}: ${answer.text}`);
  }
  const large = await libcoap(`coap://127.0.0.1:${port}/ps/a`, "-m", "post", "-e", "eleven char");
  assert.deepEqual([large.code, large.options], ["4.13", "Size1:10"]);
});

test("who observes without a token is refused, as EMQX does it, and who reads without one is not", async (t) => {
  const { port } = await startPubSub(t);
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  const ask = async (messageId: number, options: readonly Option[]): Promise<string> => {
    const path = ["ps", "a"].map((segment) => ({ number: OPTION.uriPath, value: Buffer.from(segment) }));
    const parts = { token: new Uint8Array(0), payload: new Uint8Array(0), options: [...options, ...path] };
    socket.send(encodeMessage({ type: "CON", code: "0.01", messageId, ...parts }), port, "127.0.0.1");
    const [bytes] = (await once(socket, "message")) as [Uint8Array];
    const answer = parseMessage(bytes);
    return answer.ok ? answer.message.code : answer.error;
  };
  assert.equal(await ask(1, [uint(OPTION.observe, 0)]), "4.00");
  assert.equal(await ask(2, []), "4.04");
});
