import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Message } from "../../../src/core/message.js";
import { startBroker } from "../../support/broker.js";
import { eventually } from "../../support/eventually.js";
import { collect, connectClient } from "../../support/mqtt.js";
import { message, OUT_ONLY, rig } from "./rig.js";

/** The CONNACK of MQTT 3.1.1 with this return code. */
const connack = (code: number): Buffer => Buffer.from([0x20, 2, 0, code]);

/** A far side that does what `play` says with its first, second, ... connection. */
async function playUpstream(
  t: TestContext,
  play: (socket: Socket, connection: number) => void,
): Promise<{ urls: string[]; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    // What the bridge breaks off is no failure of this side.
    socket.on("error", () => {});
    const connection = sockets.push(socket);
    socket.once("data", () => play(socket, connection));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { urls: [`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`], sockets };
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
  await eventually(() => bridge.state.server !== undefined, "connected");
  await first.close();
  await eventually(() => bridge.state.server === undefined, "disconnected");
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
  await eventually(() => bridge.state.server !== undefined, "connected");
  const commander = await connectClient(t, broker.urls[0]);
  await eventually(async () => {
    await commander.publishAsync("site/air/range/set", "5000", { qos: 1 });
    return delivered.length > 0;
  }, "a command comes down");
  assert.equal(delivered[0]?.topic, "weir/air/range/set");
});

test("carries messages over WebSocket, and closes in order", async (t) => {
  const broker = await startBroker(t);
  const { bridge, outbox } = rig(t, { urls: broker.urls.slice(1) });
  await bridge.offer(message("weir/a/n", "1", { qos: 2 }));
  await eventually(() => bridge.state.server !== undefined && outbox.depth.messages === 0, "it is carried");
  const begun = performance.now();
  await bridge.close();
  assert.ok(performance.now() - begun < 900, "the far side saw DISCONNECT, and nobody waited in vain");
  await eventually(() => broker.clients === 0, "the connection is gone");
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

test("says offline once when it closes in order: the upstream drops the will", async (t) => {
  const said: string[] = [];
  const broker = await startBroker(t, {
    admit: async (m) => {
      if (!m.topic.endsWith("/probe")) said.push(Buffer.from(m.payload).toString());
    },
  });
  const watcher = await connectClient(t, broker.urls[0]);
  const { bridge } = rig(t, broker);
  await eventually(() => said.includes("online"), "it said online");
  await bridge.close();
  await eventually(() => broker.clients === 1, "its connection is gone");
  await watcher.publishAsync("mark", "mark", { qos: 1 });
  assert.deepEqual(said, ["online", "offline", "mark"]);
});

test("closing carries what waits first, and takes nothing more", async (t) => {
  const broker = await startBroker(t);
  const arrived: string[] = [];
  broker.subscribe("site/a/n", (m) => arrived.push(Buffer.from(m.payload).toString()));
  const { bridge, outbox } = rig(t, broker, { window: 3 });
  await eventually(() => bridge.state.server !== undefined, "connected");
  for (let i = 0; i < 200; i++) await bridge.offer(message("weir/a/n", `${i}`));
  const closed = bridge.close();
  await assert.rejects(async () => bridge.offer(message("weir/a/n", "late")), { code: "CLOSED" });
  assert.throws(() => bridge.check(message("weir/a/n", "late")), { code: "CLOSED" });
  await closed;
  assert.equal(outbox.depth.messages, 0);
  assert.equal(arrived.length, 200);
});

test("what could not be carried before it closed is counted", async (t) => {
  const { bridge, journal } = rig(t, await playUpstream(t, () => {}));
  for (let i = 0; i < 3; i++) await bridge.offer(message("weir/a/n", `${i}`));
  await bridge.close();
  assert.equal(journal.find((e) => e.event === "bridge_left")?.count, 3);
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

test("an upstream that refuses the connection is tried again", async (t) => {
  const upstream = await playUpstream(t, (socket, connection) => {
    if (connection < 3) socket.end(connack(3));
    else socket.write(connack(0));
  });
  const { bridge, journal } = rig(t, upstream);
  await eventually(() => bridge.state.server !== undefined, "the third attempt is accepted");
  const told = journal.filter((e) => e.event === "bridge_error");
  assert.deepEqual(
    told.map((e) => e.level),
    ["warn", "debug"],
  );
  assert.match(told[0]?.message ?? "", /refused by the server: it is unavailable/);
});

test("an upstream that just closes the connection is told of", async (t) => {
  const upstream = await playUpstream(t, (socket) => void socket.end());
  const { journal } = rig(t, upstream);
  await eventually(() => journal.some((e) => e.event === "bridge_error"), "it is told");
  assert.match(journal[0]?.message ?? "", /closed before it was accepted/);
});

test("QoS 0 messages that a lost connection did not take are counted, and make room for the next ones", async (t) => {
  let stuck = true;
  const upstream = await playUpstream(t, (socket) => {
    socket.write(connack(0));
    if (stuck) socket.pause();
    else socket.resume();
  });
  const { bridge, outbox, journal } = rig(t, upstream, { statusTopic: "elsewhere", rules: OUT_ONLY });
  await eventually(() => bridge.state.server !== undefined, "connected");
  const large = "x".repeat(100_000);
  // More than the system's buffers hold, so that the window is full of what the socket has not taken.
  for (let i = 0; i < 300; i++) await bridge.offer(message("weir/a/n", large, { qos: 0 }));
  assert.ok(outbox.depth.messages > 10, `${outbox.depth.messages} wait`);
  stuck = false;
  for (const socket of upstream.sockets) socket.destroy();
  await eventually(() => outbox.depth.messages === 0, "the second connection takes the rest");
  assert.ok((journal.find((e) => e.event === "bridge_lost")?.count ?? 0) > 0);
});

test("order holds when the link is lost again while what was on its way is sent again", async (t) => {
  const never = new Promise<void>(() => {});
  const heard: string[] = [];
  const upstream = (acknowledge: boolean) => ({
    admit: (m: Message): Promise<void> => {
      if (m.topic === "site/a/n") heard.push(Buffer.from(m.payload).toString());
      return acknowledge ? Promise.resolve() : never;
    },
  });
  const first = await startBroker(t, upstream(false));
  const { bridge, outbox } = rig(t, first, { window: 5, statusTopic: "elsewhere", rules: OUT_ONLY });
  await eventually(() => bridge.state.server !== undefined, "connected");
  for (const n of ["1", "2"]) await bridge.offer(message("weir/a/n", n));
  await eventually(() => heard.length === 2, "both are on their way");
  await first.close();
  const second = await startBroker(t, upstream(false), first.port);
  await eventually(() => heard.length === 3, "the first is sent again");
  // One of them at QoS 0: it was not sent yet, so it is not lost either.
  for (let n = 3; n <= 12; n++) await bridge.offer(message("weir/a/n", `${n}`, { qos: n === 4 ? 0 : 1 }));
  await second.close();
  heard.length = 0;
  await startBroker(t, upstream(true), first.port);
  await eventually(() => outbox.depth.messages === 0, "everything is acknowledged");
  assert.deepEqual(
    heard,
    Array.from({ length: 12 }, (_, i) => `${i + 1}`),
  );
});

test("a certificate that is none is told of, and tried again: it may be renewed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-bridge-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "bad.pem");
  writeFileSync(file, "not a certificate\n");
  const tls = { cert: file, key: file, rejectUnauthorized: true };
  const { journal } = rig(t, { urls: ["mqtts://127.0.0.1:1"] }, { tls });
  await eventually(() => journal.filter((e) => e.event === "bridge_error").length > 1, "it is tried again");
  assert.match(journal[0]?.message ?? "", /^mqtts:\/\/127\.0\.0\.1:1: bridge up: /);
});
