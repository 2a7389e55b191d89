import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";

const [INFO, STATUS] = ["weir/$gateway/g/info", "weir/$gateway/g/status"];

for (const protocol of [4, 5] as const) {
  test(
    `MQTT version ${protocol}: the upstream keeps info and presence; after kill -9 the gateway is offline`,
    needs("mosquitto"),
    async (t) => {
      const upstream = await startMosquitto(t);
      const gateway = await startGatewayProcess(t, `[{ id: up, url: "${upstream.url}", protocol: ${protocol} }]`);
      await eventually(() => gateway.said.includes("bridge_up"), "the bridge is up");
      const observer = await connectClient(t, upstream.url);
      const { heard, until } = collect(observer);
      await observer.subscribeAsync("weir/$gateway/g/+", { qos: 1 });
      const last = (topic: string): string | undefined => heard.filter((each) => each.topic === topic).at(-1)?.payload;
      await until(() => last(INFO)?.includes('"connected":true') === true && last(STATUS) === "online");
      const info = JSON.parse(last(INFO) ?? "") as Record<string, unknown>;
      assert.deepEqual(Object.keys(info), ["version", "node", "started", "clock", "devices", "bridges"]);
      assert.match(String(info["version"]), /^\d+\.\d+\.\d+/);
      assert.equal(info["node"], process.versions.node);
      assert.equal(new Date(String(info["started"])).toISOString(), info["started"]);
      assert.deepEqual(Object.keys(info["clock"] as object), ["set", "source", "held"]);
      assert.deepEqual(info["devices"], { configured: 0, online: 0, offline: [] });
      assert.deepEqual(info["bridges"], [
        { id: "up", connected: true, server: upstream.url, waiting: 0, waitingBytes: 0, oldestAge: 0 },
      ]);
      await gateway.kill();
      await until(() => last(STATUS) === "offline");
      const after = await connectClient(t, upstream.url);
      const kept = collect(after);
      await after.subscribeAsync("weir/$gateway/g/+", { qos: 1 });
      await kept.until((all) => all.length >= 2);
      assert.deepEqual(kept.heard.map(({ topic, retain }) => [topic, retain]).sort(), [
        [INFO, true],
        [STATUS, true],
      ]);
      assert.equal(kept.heard.find(({ topic }) => topic === STATUS)?.payload, "offline");
      await gateway.start();
      await until(() => last(STATUS) === "online");
      await gateway.stop();
      await until(() => last(STATUS) === "offline");
    },
  );
}
