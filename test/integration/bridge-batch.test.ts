import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type BatchMessage, decodeBatch } from "../../src/protocols/batch/index.js";
import { eventually } from "../support/eventually.js";
import { startGatewayWith } from "../support/gateway.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { openLink } from "../support/link.js";
import { connectClient } from "../support/mqtt.js";
import { numbersOf, publishNumbers, range } from "../support/numbers.js";
import { seeded } from "../support/random.js";
import type { Application } from "../support/strict-upstream/session.js";
import { type StartedUpstream, startStrictUpstream } from "../support/strict-upstream/started.js";

const BACKOFF = "backoff: { min: 20ms, max: 100ms }";
const TOPIC = "up/batch";
const RULES = "rules: [{ filter: a/#, direction: out }]";

function batches(upstream: StartedUpstream): Application[] {
  return upstream.taken().filter(({ topic }) => topic === TOPIC);
}

function messagesOf({ payload }: Application): readonly BatchMessage[] {
  return decodeBatch(Buffer.from(payload, "latin1")).messages;
}

/** What arrived in batches, in order. */
function unpacked(upstream: StartedUpstream): { topic: string; payload: string; qos: number; retain: boolean }[] {
  return batches(upstream)
    .flatMap(messagesOf)
    .map(({ topic, payload, qos, retain }) => ({
      topic,
      payload: Buffer.from(payload).toString("latin1"),
      qos,
      retain,
    }));
}

function bridge(url: string, batch: string, more = ""): string {
  return `[{ id: up, url: "${url}", ${BACKOFF}, ${RULES}, batch: { topic: ${TOPIC}, ${batch} } ${more} }]`;
}

/** Readings, states, texts and bytes that are no text. */
function mixture(count: number): Application[] {
  const random = seeded(5);
  return range(0, count).map((n) => {
    const kind = random.between(0, 3);
    const reading = { v: Math.round(random.next() * 1000) / 10, t: 1_763_890_000_000 + n * 137, u: "Cel", q: "good" };
    const bytes = Buffer.from(range(0, random.between(0, 40)).map(() => random.between(0, 255)));
    const payload = [JSON.stringify(reading), "online", `{ "n": ${n} }`, bytes.toString("latin1")][kind] ?? "";
    return {
      topic: `a/${n % 10}/${["t", "status", "x", "raw"][kind]}`,
      payload,
      qos: random.pick([0, 1, 2]),
      retain: kind === 1,
    };
  });
}

/** In the order given, whatever their QoS: each once the one before was acknowledged. */
async function publishAll(t: TestContext, url: string | undefined, messages: readonly Application[]): Promise<void> {
  const client = await connectClient(t, url);
  for (const { topic, payload, qos, retain } of messages)
    await client.publishAsync(topic, Buffer.from(payload, "latin1"), { qos, retain });
}

for (const format of ["json", "senml-cbor"]) {
  for (const compression of ["none", "zlib"]) {
    test(`batches in ${format} with compression ${compression} hold the very same messages`, async (t) => {
      const upstream = await startStrictUpstream(t);
      const settings = `format: ${format}, compression: ${compression}, messages: 32, linger: 200ms`;
      const gateway = await startGatewayWith(t, bridge(upstream.url, settings, ", outbox: { durability: memory }"));
      const sent = mixture(200);
      await publishAll(t, gateway.listeners[0], sent);
      await eventually(() => unpacked(upstream).length >= sent.length, "all have arrived");
      assert.deepEqual(unpacked(upstream), sent);
      assert.deepEqual(upstream.taken().length, batches(upstream).length, "nothing goes beside batches");
      for (const batch of batches(upstream)) {
        const messages = messagesOf(batch);
        assert.ok(messages.length <= 32);
        assert.equal(batch.qos, Math.max(...messages.map(({ qos }) => qos)));
      }
    });
  }
}

test("batch: messages bounds how many are in one, size how large, linger how long the first waits", async (t) => {
  await t.test("messages", async (s) => {
    const upstream = await startStrictUpstream(s, { stopped: true });
    const gateway = await startGatewayWith(s, bridge(upstream.url, "messages: 50, linger: 1h"));
    await publishNumbers(await connectClient(s, gateway.listeners[0]), "a/n", 1, [0, 200]);
    await upstream.start();
    await eventually(() => batches(upstream).length === 4, "full ones do not wait");
    assert.deepEqual(
      batches(upstream).map((batch) => messagesOf(batch).length),
      [50, 50, 50, 50],
    );
  });
  await t.test("size", async (s) => {
    const upstream = await startStrictUpstream(s);
    const gateway = await startGatewayWith(s, bridge(upstream.url, "size: 1KiB, messages: 1000, linger: 300ms"));
    const client = await connectClient(s, gateway.listeners[0]);
    // 3 bytes of topic and 300 of payload: three fit.
    for (let n = 0; n < 10; n++) await client.publishAsync("a/n", `${n}`.padStart(300, "0"), { qos: 1 });
    await eventually(() => unpacked(upstream).length === 10, "all have arrived");
    for (const batch of batches(upstream)) assert.ok(messagesOf(batch).length <= 3);
    assert.ok(batches(upstream).length < 10);
    // Larger than that by itself: alone.
    await client.publishAsync("a/n", "1".repeat(5_000), { qos: 1 });
    await eventually(() => unpacked(upstream).length === 11, "it arrives");
    assert.equal(messagesOf(batches(upstream).at(-1) as Application).length, 1);
  });
  await t.test("linger", async (s) => {
    const upstream = await startStrictUpstream(s);
    const gateway = await startGatewayWith(s, bridge(upstream.url, "linger: 700ms"));
    const client = await connectClient(s, gateway.listeners[0]);
    await client.publishAsync("a/n", "0", { qos: 1 });
    const begun = performance.now();
    await publishNumbers(client, "a/n", 1, [1, 10]);
    await eventually(() => batches(upstream).length > 0, "it goes");
    const waited = performance.now() - begun;
    assert.ok(waited > 600 && waited < 3_000, `it waited ${waited} ms`);
    assert.deepEqual(numbersOf(unpacked(upstream), "a/n"), range(0, 10));
  });
});

test("batch: a tenth of the bytes, and less", async (t) => {
  const readings = range(0, 1_000).map((n) => ({
    topic: `a/air-${n % 10}/temperature`,
    payload: JSON.stringify({ v: 20 + (n % 17) / 10, t: 1_763_890_000_000 + n * 1_000, u: "Cel", q: "good" }),
  }));
  const bytes = async (settings: (url: string) => string, arrived: (upstream: StartedUpstream) => number) => {
    const upstream = await startStrictUpstream(t);
    const link = await openLink(upstream.port);
    t.after(() => link.close());
    const gateway = await startGatewayWith(t, settings(`mqtt://127.0.0.1:${link.port}`));
    const client = await connectClient(t, gateway.listeners[0]);
    await Promise.all(readings.map(({ topic, payload }) => client.publishAsync(topic, payload, { qos: 1 })));
    await eventually(() => arrived(upstream) >= readings.length, "all have arrived");
    return link.passed.up + link.passed.down;
  };
  const plain = await bytes(
    (url) => `[{ id: up, url: "${url}", ${RULES} }]`,
    (upstream) => upstream.taken().length,
  );
  const batched = await bytes(
    (url) => bridge(url, "linger: 200ms"),
    (upstream) => unpacked(upstream).length,
  );
  t.diagnostic(`${plain} bytes plain, ${batched} in batches`);
  assert.ok(batched < plain * 0.1, `${plain} bytes plain, ${batched} in batches`);
});

for (const method of ["A", "B"] as const) {
  test(`batch: kill -9 with batches on their way at QoS 2, method ${method}: nothing is lost or comes twice`, async (t) => {
    const upstream = await startStrictUpstream(t, { method, delay: 40 });
    const link = await openLink(upstream.port);
    t.after(() => link.close());
    const gateway = await startGatewayProcess(
      t,
      bridge(`mqtt://127.0.0.1:${link.port}`, "messages: 50, linger: 5ms", ", keepAlive: 1s, messageId: field"),
    );
    const acknowledged: number[] = [];
    let next = 0;
    for (let round = 0; round < 4; round++) {
      const client = await connectClient(t, gateway.url);
      const before = batches(upstream).length;
      const some = range(next, next + 100);
      next += 100;
      // Killed in the middle: those that were not acknowledged may be lost, and are not sent again.
      for (const n of some) {
        client.publish("a/n", `${n}`, { qos: 2 }, (error) => {
          if (!error) acknowledged.push(n);
        });
        // Batches of any size: after the kill others would come together if it was not known which did.
        if (n % 3 === 0) await sleep(4);
      }
      await eventually(() => batches(upstream).length >= before + 3, "batches are on their way");
      if (round % 2 === 1) link.cutAfter("down", 6, "close");
      await gateway.kill();
      client.end(true);
      await gateway.start();
    }
    await publishNumbers(await connectClient(t, gateway.url), "a/n", 2, [next, next + 20]);
    acknowledged.push(...range(next, next + 20));
    await eventually(() => numbersOf(unpacked(upstream), "a/n").includes(next + 19), "the rest has arrived");
    const arrived = numbersOf(unpacked(upstream), "a/n");
    assert.deepEqual(
      [...arrived].sort((a, b) => a - b),
      [...new Set(arrived)].sort((a, b) => a - b),
      "none comes twice",
    );
    const had = new Set(arrived);
    assert.deepEqual(
      acknowledged.filter((n) => !had.has(n)),
      [],
      "none is lost",
    );
    assert.deepEqual(
      arrived,
      [...arrived].sort((a, b) => a - b),
      "in order",
    );
    assert.deepEqual(upstream.violations(), []);
  });
}
