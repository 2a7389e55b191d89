import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { connectClient } from "../support/mqtt.js";
import { firsts, numbersOf, publishNumbers, range } from "../support/numbers.js";
import { startScriptedUpstream } from "../support/scripted-upstream.js";

for (const protocol of [4, 5] as const) {
  for (const qos of [1, 2] as const) {
    test(`MQTT version ${protocol}, QoS ${qos}: one message at which the upstream closes is set aside, all others arrive`, async (t) => {
      const upstream = await startScriptedUpstream(t, {
        answer: ({ topic }) => (topic.includes(" ") ? "close" : "acknowledge"),
      });
      const gateway = await startGatewayProcess(
        t,
        `[{ id: up, url: "${upstream.url}", protocol: ${protocol}, backoff: { min: 10ms, max: 100ms } }]`,
      );
      const client = await connectClient(t, gateway.url);
      await publishNumbers(client, "weir/n", qos, [0, 50]);
      await client.publishAsync("weir/a b", "poison", { qos });
      await publishNumbers(client, "weir/n", qos, [50, 100]);
      await eventually(() => numbersOf(upstream.arrivals, "weir/n").includes(99), "what is behind it arrives");
      assert.deepEqual(firsts(numbersOf(upstream.arrivals, "weir/n")), range(0, 100));
      const file = join(gateway.state, "bridge", "up", "refused.jsonl");
      const lines = readFileSync(file, "utf8").trim().split("\n");
      const refused = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        refused.map(({ topic, qos: as, payload }) => [topic, as, Buffer.from(String(payload), "base64").toString()]),
        [["weir/a b", qos, "poison"]],
      );
      await eventually(() => gateway.said.includes("bridge_refused"), "it is told");
      const told = gateway.said.split("\n").find((line) => line.includes("bridge_refused")) ?? "";
      assert.ok(told.includes("weir/a b") && told.includes(file), told);
      // The next one of that topic costs no connection at all.
      const times = upstream.arrivals.filter(({ topic }) => topic === "weir/a b").length;
      await client.publishAsync("weir/a b", "poison again", { qos });
      await eventually(() => readFileSync(file, "utf8").trim().split("\n").length === 2, "it is set aside");
      assert.equal(upstream.arrivals.filter(({ topic }) => topic === "weir/a b").length, times);
      // Not sent once more after the end, once the cursor says so.
      const cursor = join(gateway.state, "outbox", "up", "cursor");
      await eventually(() => settledIn(readFileSync(cursor)) === 102, "it is stored that it was set aside");
      await gateway.kill();
      await gateway.start();
      await publishNumbers(await connectClient(t, gateway.url), "weir/n", qos, [100, 110]);
      await eventually(() => numbersOf(upstream.arrivals, "weir/n").includes(109), "it goes on");
      assert.equal(upstream.arrivals.filter(({ topic }) => topic === "weir/a b").length, times);
    });
  }
}

/** The sequence up to which all is done: the newer of two slots that are a page apart (src/outbox/log/cursor.ts). */
function settledIn(cursor: Buffer): number {
  return Math.max(cursor.readUIntLE(14, 6), cursor.readUIntLE(4096 + 14, 6));
}
