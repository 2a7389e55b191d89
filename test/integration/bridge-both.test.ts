import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { numbersOf, publishNumbers, range } from "../support/numbers.js";
import { needs } from "../support/peers.js";

const MESSAGES = 300;

for (const protocol of [4, 5] as const) {
  const bridge = (url: string, more = ""): string =>
    `[{ id: up, url: "${url}", protocol: ${protocol}, rules: [{ filter: "a/#", direction: both${more} }] }]`;
  const gatewayAt = async (t: Parameters<typeof startGatewayWith>[0], settings: string, id = "g") => {
    const gateway = await startGatewayWith(t, settings, { id });
    await eventually(() => count(gateway, "bridge_up") > 0, "the bridge is up");
    const client = await connectClient(t, gateway.listeners[0]);
    const { heard, until } = collect(client);
    await client.subscribeAsync("#", { qos: 2 });
    return { gateway, client, heard, until };
  };

  for (const qos of [0, 1, 2] as const) {
    test(
      `both, MQTT version ${protocol}, QoS ${qos}: each side has the other's, nothing goes round`,
      needs("mosquitto"),
      async (t) => {
        const { url } = await startMosquitto(t, "max_queued_messages 0\n");
        const far = await connectClient(t, url);
        const there = collect(far);
        await far.subscribeAsync("#", { qos: 2 });
        const { client, heard, until } = await gatewayAt(
          t,
          bridge(url, `, remotePrefix: site/${qos === 1 ? "" : ", qos: 2"}`),
        );
        // By a message of the other side it is known that the subscription is there.
        await eventually(async () => {
          await far.publishAsync("site/a/ready", "");
          return heard.some(({ topic }) => topic === "a/ready");
        }, "the bridge has subscribed");
        await Promise.all([
          publishNumbers(client, "a/up", qos, [0, MESSAGES]),
          publishNumbers(far, "site/a/down", qos, [0, MESSAGES]),
        ]);
        await there.until((all) => numbersOf(all, "site/a/up").length >= MESSAGES);
        await until((all) => numbersOf(all, "a/down").length >= MESSAGES);
        // Whatever would come round is ahead of these, in both directions and back.
        for (const [from, topic, back] of [
          [client, "a/end/up", heard],
          [far, "site/a/end/down", heard],
        ] as const) {
          await from.publishAsync(topic, "", { qos });
          const local = topic.replace("site/", "");
          await eventually(() => back.some((each) => each.topic === local), "the end is here");
          await eventually(() => there.heard.some((each) => each.topic === `site/${local}`), "and there");
        }
        assert.deepEqual(numbersOf(heard, "a/up"), range(0, MESSAGES), "no echo to local subscribers");
        assert.deepEqual(numbersOf(heard, "a/down"), range(0, MESSAGES));
        assert.deepEqual(numbersOf(there.heard, "site/a/up"), range(0, MESSAGES));
        assert.deepEqual(numbersOf(there.heard, "site/a/down"), range(0, MESSAGES));
      },
    );
  }

  test(
    `both, MQTT version ${protocol}: the same said twice here and there arrives twice, and no oftener`,
    needs("mosquitto"),
    async (t) => {
      const { url } = await startMosquitto(t);
      const far = await connectClient(t, url);
      const there = collect(far);
      await far.subscribeAsync("a/same", { qos: 1 });
      const { client, heard } = await gatewayAt(t, bridge(url));
      for (const from of [client, client, far, far]) await from.publishAsync("a/same", "x", { qos: 1 });
      for (const from of [client, far]) await from.publishAsync("a/same", "end", { qos: 1 });
      const ends = (all: readonly { payload: string }[]): number =>
        all.filter(({ payload }) => payload === "end").length;
      await eventually(() => ends(heard) === 2 && ends(there.heard) === 2, "the ends have arrived");
      assert.equal(heard.filter(({ topic }) => topic === "a/same").length, 6);
      assert.equal(there.heard.length, 6);
    },
  );

  test(
    `both, MQTT version ${protocol}: two gateways at one upstream have each other's once`,
    needs("mosquitto"),
    async (t) => {
      const { url } = await startMosquitto(t, "max_queued_messages 0\n");
      const one = await gatewayAt(t, bridge(url), "one");
      const two = await gatewayAt(t, bridge(url), "two");
      await eventually(async () => {
        await Promise.all([one.client.publishAsync("a/ready/1", ""), two.client.publishAsync("a/ready/2", "")]);
        const hears = (side: typeof one, topic: string): boolean => side.heard.some((each) => each.topic === topic);
        return hears(one, "a/ready/2") && hears(two, "a/ready/1");
      }, "both have subscribed");
      await Promise.all([
        publishNumbers(one.client, "a/one", 1, [0, MESSAGES]),
        publishNumbers(two.client, "a/two", 1, [0, MESSAGES]),
      ]);
      await one.client.publishAsync("a/end/one", "", { qos: 1 });
      await two.until((all) => all.some(({ topic }) => topic === "a/end/one"));
      await two.client.publishAsync("a/end/two", "", { qos: 1 });
      await one.until((all) => all.some(({ topic }) => topic === "a/end/two"));
      for (const { heard } of [one, two]) {
        assert.deepEqual(numbersOf(heard, "a/one"), range(0, MESSAGES));
        assert.deepEqual(numbersOf(heard, "a/two"), range(0, MESSAGES));
      }
    },
  );

  test(
    `both, MQTT version ${protocol}: what is retained at one side is known at the other`,
    needs("mosquitto"),
    async (t) => {
      const { url } = await startMosquitto(t);
      const far = await connectClient(t, url);
      await far.publishAsync("a/there", "1", { qos: 1, retain: true });
      const { client, until } = await gatewayAt(t, bridge(url));
      await until((all) => all.some(({ topic }) => topic === "a/there"));
      await client.publishAsync("a/here", "2", { qos: 1, retain: true });
      await eventually(async () => {
        const late = await connectClient(t, url);
        const { heard } = collect(late);
        await late.subscribeAsync("a/here", { qos: 1 });
        await late.publishAsync("other", "", { qos: 1 });
        const found = heard.some(({ retain, payload }) => retain && payload === "2");
        await late.endAsync();
        return found;
      }, "it is retained at the upstream");
      const late = collect(await connectClient(t, url));
      assert.equal(late.heard.length, 0);
      assert.equal((await latest(t, client)).get("a/there"), "1 retained");
    },
  );
}

/** What a subscriber gets that comes late. */
async function latest(t: Parameters<typeof startGatewayWith>[0], client: Awaited<ReturnType<typeof connectClient>>) {
  const { hostname, port } = client.options;
  const late = await connectClient(t, `mqtt://${hostname}:${port}`);
  const { heard, until } = collect(late);
  await late.subscribeAsync("a/#", { qos: 1 });
  await until((all) => all.some(({ topic }) => topic === "a/there"));
  return new Map(heard.map(({ topic, payload, retain }) => [topic, `${payload}${retain ? " retained" : ""}`]));
}
