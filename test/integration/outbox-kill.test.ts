/** The gateway as a process that is killed: what it acknowledged at QoS 1 and 2 reaches the upstream after the next start. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.js";
import { runGateway } from "../support/gateway-process.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freePort } from "../support/ports.js";

interface Site {
  readonly config: string;
  readonly local: string;
  readonly upstreamPort: number;
}

async function site(t: TestContext): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "weir-kill-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [local, upstreamPort] = [await freePort(), await freePort()];
  const config = join(folder, "weir.yaml");
  writeFileSync(
    config,
    `gateway: { id: g }
broker: { listeners: ["tcp://127.0.0.1:${local}"] }
bridges: [{ id: up, url: "mqtt://127.0.0.1:${upstreamPort}" }]
`,
  );
  return { config, local: `tcp://127.0.0.1:${local}`, upstreamPort };
}

for (const qos of [1, 2] as const) {
  test(`kill -9 with the upstream away: nothing acknowledged at QoS ${qos} is lost`, needs("mosquitto"), async (t) => {
    const { config, local, upstreamPort } = await site(t);
    const acknowledged: number[] = [];
    let next = 0;
    for (let round = 0; round < 3; round++) {
      const gateway = await runGateway(t, config);
      const client = await connectClient(t, local);
      // Without a pause until it is killed in the middle: some are on their way, unacknowledged.
      const send = (): void => {
        const n = next++;
        client.publish("weir/meter/n", `${n}`, { qos }, (error) => {
          if (error) return;
          acknowledged.push(n);
          if (client.connected) send();
        });
      };
      const before = acknowledged.length;
      for (let i = 0; i < 10; i++) send();
      await eventually(() => acknowledged.length >= before + 300, "300 are acknowledged");
      await gateway.signal("SIGKILL");
    }
    const upstream = await startMosquitto(t, "max_queued_messages 0\n", upstreamPort);
    const watcher = await connectClient(t, upstream.url);
    await watcher.subscribeAsync("weir/meter/n", { qos: 2 });
    const { heard } = collect(watcher);
    await runGateway(t, config);
    const missing = (): number[] => {
      const arrived = new Set(heard.map((m) => Number(m.payload)));
      return acknowledged.filter((n) => !arrived.has(n));
    };
    await eventually(() => missing().length === 0, "all that was acknowledged arrives").catch(() => {});
    assert.deepEqual(missing(), []);
    const order = heard.map((m) => Number(m.payload));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      "in order, none twice",
    );
    assert.equal(new Set(order).size, order.length);
  });
}
