import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { publishNumbers } from "../support/numbers.js";
import { needs } from "../support/peers.js";
import { steadyPorts } from "../support/ports.js";

test(
  "both and messageId field, MQTT 3.1.1: what was sent with an id does not come back to local subscribers",
  needs("mosquitto"),
  async (t) => {
    const { url } = await startMosquitto(t);
    const gateway = await startGatewayWith(
      t,
      `[{ id: up, url: "${url}", messageId: field, rules: [{ filter: "a/#", direction: both }] }]`,
    );
    await eventually(() => count(gateway, "bridge_up") > 0, "up");
    const client = await connectClient(t, gateway.listeners[0]);
    const { heard } = collect(client);
    await client.subscribeAsync("a/#", { qos: 1 });
    const far = await connectClient(t, url);
    await client.publishAsync("a/x", `{"v":1}`, { qos: 1 });
    const there = collect(far);
    await far.subscribeAsync("a/#", { qos: 1 });
    await client.publishAsync("a/x", `{"v":2}`, { qos: 1 });
    await there.until((all) => all.length > 0);
    await far.publishAsync("a/end", "", { qos: 1 });
    await eventually(() => heard.some(({ topic }) => topic === "a/end"), "end");
    assert.deepEqual(
      heard.filter(({ topic }) => topic === "a/x").map(({ payload }) => payload),
      [`{"v":1}`, `{"v":2}`],
    );
  },
);

test(
  "both, MQTT 3.1.1: after an outage in which more than 10,000 gathered none comes back",
  needs("mosquitto"),
  async (t) => {
    const [port = 0] = await steadyPorts(1);
    const gateway = await startGatewayWith(
      t,
      `[{ id: up, url: "mqtt://127.0.0.1:${port}", backoff: { min: 50ms, max: 100ms }, rules: [{ filter: "a/#", direction: both }] }]`,
    );
    const client = await connectClient(t, gateway.listeners[0]);
    const { heard } = collect(client);
    await client.subscribeAsync("a/#", { qos: 1 });
    await publishNumbers(client, "a/n", 1, [0, 10_500]);
    const { url } = await startMosquitto(t, "max_queued_messages 0\n", port);
    const far = await connectClient(t, url);
    const there = collect(far);
    await far.subscribeAsync("a/#", { qos: 1 });
    await client.publishAsync("a/last", "", { qos: 1 });
    await there.until((all) => all.some(({ topic }) => topic === "a/last"));
    await far.publishAsync("a/end", "", { qos: 1 });
    await eventually(() => heard.some(({ topic }) => topic === "a/end"), "end");
    assert.equal(heard.filter(({ topic }) => topic === "a/n").length, 10_500);
  },
);
