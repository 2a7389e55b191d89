import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Bridge, type BridgeOptions, openBridge } from "../../../src/bridge/bridge.js";
import type { Entry as JournalEntry } from "../../../src/core/journal.js";
import type { Message } from "../../../src/core/message.js";
import { MemoryOutbox } from "../../../src/outbox/memory.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { eventually } from "../../support/eventually.js";
import { collect, connectClient } from "../../support/mqtt.js";

const message = (topic: string, payload: string, rest: Partial<Message> = {}): Message => ({
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  ...rest,
});

interface Rig {
  readonly bridge: Bridge;
  readonly outbox: MemoryOutbox;
  readonly delivered: Message[];
  readonly journal: JournalEntry[];
}

function rig(t: TestContext, broker: TestBroker, options: Partial<BridgeOptions> = {}): Rig {
  const journal: JournalEntry[] = [];
  const delivered: Message[] = [];
  const note = (entry: JournalEntry): void => void journal.push(entry);
  const outbox = new MemoryOutbox({
    id: "up",
    maxMessages: 10_000,
    maxBytes: 1e8,
    whenFull: "refuse",
    journal: note,
    now: Date.now,
  });
  const bridge = openBridge({
    id: "up",
    url: (broker.urls[0] ?? "").replace("tcp:", "mqtt:"),
    clientId: "gateway",
    protocol: 4,
    keepAlive: 30_000,
    clean: false,
    window: 10,
    rules: [
      { direction: "out", filter: "#", localPrefix: "weir/", remotePrefix: "site/" },
      { direction: "in", filter: "+/+/set", localPrefix: "weir/", remotePrefix: "site/" },
    ],
    outbox,
    deliver: async (m) => void delivered.push(m),
    statusTopic: "weir/$gateway/g/status",
    journal: note,
    backoff: () => 20,
    ...options,
  });
  t.after(() => bridge.close(0));
  return { bridge, outbox, delivered, journal };
}

test("carries messages up in order with their QoS and retain flag, prefix replaced", async (t) => {
  const broker = await startBroker(t);
  const subscriber = await connectClient(t, broker.urls[0]);
  await subscriber.subscribeAsync("site/a/#", { qos: 2 });
  const { until } = collect(subscriber);
  const { bridge, outbox } = rig(t, broker);
  for (let i = 0; i < 300; i++) await bridge.offer(message("weir/a/n", `${i}`, { qos: 1 }));
  await bridge.offer(message("weir/a/two", "x", { qos: 2 }));
  await bridge.offer(message("weir/a/zero", "y", { qos: 0 }));
  const heard = await until((all) => all.length >= 302);
  assert.deepEqual(
    heard.slice(0, 300).map((m) => m.payload),
    Array.from({ length: 300 }, (_, i) => `${i}`),
  );
  // MQTT orders messages of one QoS only (MQTT-4.6.0-6).
  assert.deepEqual(
    new Set(heard.slice(300).map((m) => `${m.topic} ${m.qos}`)),
    new Set(["site/a/two 2", "site/a/zero 0"]),
  );
  await eventually(() => outbox.depth.messages === 0, "everything is acknowledged");
});

test("offers nothing where no rule matches", async (t) => {
  const { bridge, outbox } = rig(t, await startBroker(t));
  assert.equal(bridge.offer(message("elsewhere/a", "1")), undefined);
  assert.equal(outbox.depth.messages, 0);
});

test("keeps what comes while the upstream is away and carries it up when it is back", async (t) => {
  const first = await startBroker(t);
  const { bridge, outbox, journal } = rig(t, first);
  await eventually(() => bridge.connected, "connected");
  await first.close();
  await eventually(() => !bridge.connected, "disconnected");
  for (let i = 0; i < 50; i++) await bridge.offer(message("weir/a/n", `${i}`));
  assert.equal(outbox.depth.messages, 50);
  const second = await startBroker(t, {}, first.port);
  const arrived: string[] = [];
  second.subscribe("site/a/n", (m) => arrived.push(Buffer.from(m.payload).toString()));
  await eventually(() => outbox.depth.messages === 0, "the backlog is carried up");
  assert.deepEqual(
    arrived,
    Array.from({ length: 50 }, (_, i) => `${i}`),
  );
  assert.ok(journal.some((e) => e.event === "bridge_down"));
});

test("brings commands down under the local topic", async (t) => {
  const broker = await startBroker(t);
  const { bridge, delivered } = rig(t, broker);
  await eventually(() => bridge.connected, "connected");
  const commander = await connectClient(t, broker.urls[0]);
  await eventually(async () => {
    await commander.publishAsync("site/air/range/set", "5000", { qos: 1 });
    return delivered.length > 0;
  }, "a command comes down");
  assert.equal(delivered[0]?.topic, "weir/air/range/set");
});

test("says online upstream, and the upstream says offline when the gateway dies", async (t) => {
  const broker = await startBroker(t);
  const watcher = await connectClient(t, broker.urls[0]);
  await watcher.subscribeAsync("site/$gateway/+/status", { qos: 1 });
  const { until } = collect(watcher);
  const { bridge } = rig(t, broker);
  await until((all) => all.at(-1)?.payload === "online");
  await bridge.close();
  await until((all) => all.at(-1)?.payload === "offline");
});

test("never has more on its way than the window", async (t) => {
  let onTheWay = 0;
  let most = 0;
  const broker = await startBroker(t, {
    admit: async (m) => {
      if (!m.topic.startsWith("site/a")) return;
      most = Math.max(most, ++onTheWay);
      await new Promise((resolve) => setImmediate(resolve));
      onTheWay -= 1;
    },
  });
  const { bridge, outbox } = rig(t, broker, { window: 3 });
  for (let i = 0; i < 100; i++) await bridge.offer(message("weir/a/n", `${i}`));
  await eventually(() => outbox.depth.messages === 0, "everything is carried up");
  assert.ok(most >= 1 && most <= 3, `${most} at once`);
});
