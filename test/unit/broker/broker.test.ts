import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { openBroker } from "../../../src/broker/broker.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Message } from "../../../src/core/message.js";
import { brokerOptions, startBroker, tcp, usualLimits } from "../../support/broker.js";
import { eventually } from "../../support/eventually.js";
import { collect, connectClient, next, nextMessage } from "../../support/mqtt.js";

const message = (topic: string, payload: string, rest: Partial<Message> = {}): Message => ({
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  ...rest,
});

for (const [index, transport] of ["tcp", "websocket"].entries()) {
  test(`a client over ${transport} hears what the gateway publishes`, async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connectClient(t, broker.urls[index]);
    await subscriber.subscribeAsync("weir/#", { qos: 2 });
    const heard = nextMessage(subscriber);
    await broker.publish(message("weir/air/pm2_5", "8", { qos: 2 }));
    assert.deepEqual(await heard, { topic: "weir/air/pm2_5", payload: "8", qos: 2, retain: false });
  });
}

test("a retained message reaches a client that comes later", async (t) => {
  const broker = await startBroker(t);
  await broker.publish(message("weir/air/status", "online", { retain: true }));
  const subscriber = await connectClient(t, broker.urls[0]);
  const heard = nextMessage(subscriber);
  await subscriber.subscribeAsync("weir/+/status", { qos: 1 });
  assert.deepEqual(await heard, { topic: "weir/air/status", payload: "online", qos: 1, retain: true });
});

test("the gateway hears what clients publish", async (t) => {
  const broker = await startBroker(t);
  const heard = new Promise<Message>((resolve) => broker.subscribe("weir/+/+/set", resolve));
  const publisher = await connectClient(t, broker.urls[0]);
  await publisher.publishAsync("weir/air/range/set", "5000", { qos: 1 });
  assert.equal((await heard).topic, "weir/air/range/set");
});

for (const qos of [1, 2] as const) {
  test(`a QoS ${qos} publish is acknowledged only after it was admitted`, async (t) => {
    let release = (): void => {};
    const admitted = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = (): void => {};
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const broker = await startBroker(t, {
      admit: () => {
        asked();
        return admitted;
      },
    });
    const publisher = await connectClient(t, broker.urls[0]);
    let acknowledged = false;
    const published = publisher.publishAsync("a", "1", { qos }).then(() => {
      acknowledged = true;
    });
    await asking;
    // A PINGRESP comes after any acknowledgement that was already on its way.
    const pong = next(publisher, "packetreceive");
    publisher.sendPing();
    assert.equal(((await pong) as [{ cmd: string }])[0].cmd, "pingresp");
    assert.equal(acknowledged, false);
    release();
    await published;
  });
}

test("a refused publish is not acknowledged: the client is disconnected, others are not", async (t) => {
  const events: string[] = [];
  const broker = await startBroker(t, {
    admit: async (m) => {
      if (m.topic === "full") throw new WeirError("OUTBOX_FULL", "full");
    },
    journal: (entry) => events.push(entry.event),
  });
  const [refused, other] = [await connectClient(t, broker.urls[0]), await connectClient(t, broker.urls[0])];
  const closed = next(refused, "close");
  refused.publish("full", "1", { qos: 1 });
  await closed;
  await other.publishAsync("fine", "1", { qos: 1 });
  assert.ok(events.includes("publish_refused"));
});

test("a QoS 2 publish that is sent again before PUBREL is admitted once", async (t) => {
  const admitted: string[] = [];
  const broker = await startBroker(t, { admit: async (m) => void admitted.push(m.topic) });
  const socket = connectSocket(broker.port, "127.0.0.1");
  t.after(() => socket.destroy());
  const received: Buffer[] = [];
  const bytes = (): string => Buffer.concat(received).toString("hex");
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(bytes()))
      await once(socket, "readable").then(() => void received.push(socket.read() ?? Buffer.alloc(0)));
  };
  const publish = (flags: number): Buffer => Buffer.from([0x30 | flags, 6, 0, 1, 0x61, 0, 7, 0x31]);
  socket.write(Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x78]));
  await until(/^20020000/);
  socket.write(publish(0x04));
  await until(/50020007$/);
  socket.write(publish(0x0c));
  await until(/5002000750020007$/);
  assert.deepEqual(admitted, ["a"]);
});

test("clients cannot write below $SYS/: as with other brokers it is acknowledged, and nobody hears it", async (t) => {
  const events: string[] = [];
  const broker = await startBroker(t, { journal: (entry) => events.push(`${entry.event} ${entry.reason}`) });
  const rogue = await connectClient(t, broker.urls[0]);
  await rogue.subscribeAsync(["$SYS/#", "end"]);
  const heard = nextMessage(rogue);
  await rogue.publishAsync("$SYS/broker/version", "mine", { qos: 1 });
  await rogue.publishAsync("end", "");
  assert.equal((await heard).topic, "end");
  assert.ok(events.includes("acl_denied publish"));
});

test("an address in use is an error that names it, and nothing stays open", async (t) => {
  const [holder, late] = [await startBroker(t), await openBroker(brokerOptions())];
  t.after(() => late.close());
  await assert.rejects(late.listen([tcp(), tcp(holder.port)]), (error: WeirError) => {
    assert.equal(error.code, "ADDRESS_IN_USE");
    assert.ok(error.message.includes(holder.urls[0] ?? "?"));
    return true;
  });
  assert.equal((await late.listen([tcp()])).length, 1);
});

test("closing ends clients and connections that never sent CONNECT", async (t) => {
  const broker = await startBroker(t);
  const silent = connectSocket(broker.port, "127.0.0.1");
  await once(silent, "connect");
  const ended = once(silent, "close");
  silent.resume();
  await broker.close();
  await ended;
});

test("a subscriber that takes nothing is disconnected, and holds nobody else up until then", async (t) => {
  const events: string[] = [];
  const broker = await startBroker(t, {
    limits: { ...usualLimits, patience: 100 },
    journal: (entry) => events.push(entry.event),
  });
  const stalled = connectSocket(broker.port, "127.0.0.1");
  t.after(() => stalled.destroy());
  stalled.on("error", () => {}); // it is to be cut off
  stalled.write(Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78]));
  stalled.write(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 0]));
  await eventually(() => stalled.bytesRead >= 9, "it is connected and subscribed");
  stalled.pause();
  const subscriber = await connectClient(t, broker.urls[0]);
  await subscriber.subscribeAsync("a");
  const { until } = collect(subscriber);
  const publisher = await connectClient(t, broker.urls[0]);
  // Beyond what the system's buffers hold.
  const published = Array.from({ length: 3_000 }, () => publisher.publishAsync("a", Buffer.alloc(4_000), { qos: 1 }));
  await until((all) => all.length === 3_000);
  await Promise.all(published);
  await eventually(() => events.includes("client_error"), "it is cut off");
});
