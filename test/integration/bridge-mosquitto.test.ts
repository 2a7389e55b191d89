import assert from "node:assert/strict";
import { test } from "node:test";
import { openBridge } from "../../src/bridge/bridge.js";
import { memorySessionStore } from "../../src/bridge/session/memory.js";
import type { Qos } from "../../src/core/message.js";
import { MemoryOutbox } from "../../src/outbox/memory.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";

// mosquitto 2.0.11 loses what is beyond 20 QoS 2 messages in flight, and still completes the exchange.
for (const protocol of [4, 5] as const) {
  for (const qos of [0, 1, 2] as const satisfies Qos[]) {
    test(
      `2,000 messages at QoS ${qos}, MQTT version ${protocol}: all arrive at mosquitto in order`,
      needs("mosquitto"),
      async (t) => {
        const upstream = await startMosquitto(t, "max_queued_messages 0\n");
        const subscriber = await connectClient(t, upstream.url);
        await subscriber.subscribeAsync("a/#", { qos: 2 });
        const { heard, until } = collect(subscriber);
        const outbox = new MemoryOutbox({
          id: "up",
          maxMessages: 10_000,
          maxBytes: 1e8,
          whenFull: "refuse",
          journal: () => {},
          now: Date.now,
        });
        const bridge = openBridge({
          id: "up",
          gateway: "g",
          servers: [upstream.url],
          preferred: "first",
          failback: 60_000,
          clientId: "gateway",
          protocol,
          keepAlive: 30_000,
          timeout: 10_000,
          clean: false,
          window: 100,
          topicAliases: 16,
          messageId: "none",
          rules: [
            {
              direction: "out",
              filter: "#",
              localPrefix: "",
              remotePrefix: "",
              retain: "keep",
              priority: "normal",
              qos0: "queue",
            },
          ],
          outboxes: [outbox],
          store: memorySessionStore(),
          refused: "/dev/null",
          deliver: async () => {},
          statusTopic: "status",
          probeTopic: "probe",
          journal: () => {},
          now: Date.now,
          pause: () => 100,
        });
        t.after(() => bridge.close(0));
        for (let i = 0; i < 2_000; i++) {
          await bridge.offer({ topic: "a/n", payload: Buffer.from(`${i}`), qos, retain: false });
        }
        await until((all) => all.length >= 2_000);
        assert.deepEqual(
          heard.map((m) => Number(m.payload)),
          Array.from({ length: 2_000 }, (_, i) => i),
        );
      },
    );
  }
}
