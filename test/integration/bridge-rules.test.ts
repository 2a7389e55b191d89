import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "../../src/gateway.js";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { connectClient, next } from "../support/mqtt.js";
import { numbersOf, publishNumbers, range } from "../support/numbers.js";
import { startScriptedUpstream } from "../support/scripted-upstream.js";
import { startStrictUpstream } from "../support/strict-upstream/started.js";

const BACKOFF = "backoff: { min: 20ms, max: 100ms }";

/** What the outbox dropped, as `place reason count`. The rule is known of what was dropped on its way in only. */
function dropped(gateway: Gateway): string[] {
  return gateway
    .counters()
    .filter(({ event }) => event === "outbox_dropped")
    .map(({ at, reason, count }) => `${at} ${reason} ${count}`)
    .sort();
}

test("retain and qos of a rule", async (t) => {
  const upstream = await startStrictUpstream(t);
  const rules = `[
    { filter: keep, direction: out },
    { filter: clear, direction: out, retain: clear },
    { filter: zero, direction: out, qos: 0 },
    { filter: one, direction: out, qos: 1 }]`;
  const gateway = await startGatewayWith(t, `[{ id: up, url: "${upstream.url}", rules: ${rules} }]`);
  await eventually(() => count(gateway, "bridge_up") > 0, "the bridge is up");
  const client = await connectClient(t, gateway.listeners[0]);
  for (const topic of ["keep", "clear", "zero", "one"]) {
    for (const qos of [0, 1, 2] as const) await client.publishAsync(topic, `${qos}`, { qos, retain: true });
  }
  await eventually(() => upstream.taken().length === 12, "all have arrived");
  const came = upstream
    .taken()
    .map(({ topic, payload, qos, retain }) => `${topic} ${payload} as ${qos}${retain ? " retained" : ""}`);
  assert.deepEqual(came.sort(), [
    "clear 0 as 0",
    "clear 1 as 1",
    "clear 2 as 2",
    "keep 0 as 0 retained",
    "keep 1 as 1 retained",
    "keep 2 as 2 retained",
    "one 0 as 0 retained",
    "one 1 as 1 retained",
    "one 2 as 1 retained",
    "zero 0 as 0 retained",
    "zero 1 as 0 retained",
    "zero 2 as 0 retained",
  ]);
});

test("QoS 0 while the upstream is away: dropped by one rule and counted, kept by another", async (t) => {
  const upstream = await startStrictUpstream(t, { stopped: true });
  const rules = "[{ filter: drops, direction: out, qos0: drop }, { filter: keeps, direction: out, qos0: queue }]";
  const gateway = await startGatewayWith(t, `[{ id: up, url: "${upstream.url}", ${BACKOFF}, rules: ${rules} }]`);
  const client = await connectClient(t, gateway.listeners[0]);
  await publishNumbers(client, "drops", 0, [0, 20]);
  await publishNumbers(client, "drops", 1, [100, 110]);
  await publishNumbers(client, "keeps", 0, [0, 20]);
  await eventually(() => count(gateway, "bridge_offline") === 20, "what was dropped is counted");
  await upstream.start();
  await eventually(() => numbersOf(upstream.taken(), "keeps").length === 20, "what was kept arrives");
  await publishNumbers(client, "drops", 0, [200, 210]);
  await eventually(() => numbersOf(upstream.taken(), "drops").includes(209), "while it is there all arrive");
  assert.deepEqual(numbersOf(upstream.taken(), "drops"), [...range(100, 110), ...range(200, 210)]);
  assert.deepEqual(numbersOf(upstream.taken(), "keeps"), range(0, 20));
});

test("expiry: the upstream is told what is left, and what expired meanwhile is counted", async (t) => {
  let welcome = false;
  const upstream = await startScriptedUpstream(t, { welcome: () => welcome });
  const rules = `[
    { filter: short, direction: out, expiry: 1s },
    { filter: long, direction: out, expiry: 100s },
    { filter: "n", direction: out }]`;
  const gateway = await startGatewayWith(
    t,
    `[{ id: up, url: "${upstream.url}", protocol: 5, ${BACKOFF}, rules: ${rules} }]`,
  );
  const client = await connectClient(t, gateway.listeners[0]);
  for (const topic of ["short", "long", "n"]) await publishNumbers(client, topic, 1, [0, 5]);
  await sleep(1_500);
  welcome = true;
  await eventually(() => upstream.arrivals.length >= 10, "what lives arrives");
  await publishNumbers(client, "short", 1, [5, 6]);
  await eventually(() => upstream.arrivals.length >= 11, "and what is new");
  assert.deepEqual(numbersOf(upstream.arrivals, "short"), [5]);
  assert.deepEqual(numbersOf(upstream.arrivals, "long"), range(0, 5));
  assert.deepEqual(dropped(gateway), ["up expired 5"]);
  for (const { topic, properties } of upstream.arrivals) {
    const left = properties?.messageExpiryInterval;
    if (topic === "n") assert.equal(left, undefined);
    else if (topic === "short") assert.equal(left, 1);
    else assert.ok(left !== undefined && left < 100 && left > 80, `${left} s are left`);
  }
});

test("maxAge: what waited longer is dropped and counted", async (t) => {
  const upstream = await startStrictUpstream(t, { stopped: true });
  const gateway = await startGatewayWith(
    t,
    `[{ id: up, url: "${upstream.url}", ${BACKOFF}, outbox: { maxAge: 1s }, rules: [{ filter: "n", direction: out }] }]`,
  );
  const client = await connectClient(t, gateway.listeners[0]);
  await publishNumbers(client, "n", 1, [0, 7]);
  await eventually(() => dropped(gateway).length > 0, "they are too old");
  assert.deepEqual(dropped(gateway), ["up too_old 7"]);
  await upstream.start();
  await publishNumbers(client, "n", 1, [7, 8]);
  await eventually(() => upstream.taken().length > 0, "the new one arrives");
  assert.deepEqual(numbersOf(upstream.taken(), "n"), [7]);
});

test("whenFull by rule: one loses the oldest, one the new, one refuses", async (t) => {
  const upstream = await startStrictUpstream(t, { stopped: true });
  const rules = `[
    { filter: newest, direction: out, whenFull: drop-newest },
    { filter: refuse, direction: out, whenFull: refuse },
    { filter: oldest, direction: out }]`;
  const gateway = await startGatewayWith(
    t,
    `[{ id: up, url: "${upstream.url}", ${BACKOFF}, outbox: { maxMessages: 10 }, rules: ${rules} }]`,
  );
  const client = await connectClient(t, gateway.listeners[0]);
  await publishNumbers(client, "oldest", 1, [0, 10]);
  await publishNumbers(client, "newest", 1, [0, 3]);
  await publishNumbers(client, "oldest", 1, [10, 14]);
  const other = await connectClient(t, gateway.listeners[0]);
  const closed = next(other, "close");
  let acknowledged = false;
  other.publish("refuse", "0", { qos: 1 }, (error) => {
    acknowledged = !error;
  });
  await closed;
  assert.ok(!acknowledged, "its sender keeps it");
  await upstream.start();
  await eventually(() => upstream.taken().length >= 10, "what was kept arrives");
  assert.deepEqual(numbersOf(upstream.taken(), "oldest"), range(4, 14));
  assert.equal(upstream.taken().length, 10);
  assert.deepEqual(dropped(gateway), ["up newest newest 3", "up oldest 4", "up refuse refused 1"]);
});

test("durability by rule: what was committed is there after kill -9, though the outbox commits nothing", async (t) => {
  const upstream = await startStrictUpstream(t, { stopped: true });
  const rules = `[{ filter: safe, direction: out, durability: commit }, { filter: quick, direction: out }]`;
  const gateway = await startGatewayProcess(
    t,
    `[{ id: up, url: "${upstream.url}", ${BACKOFF}, outbox: { durability: none }, rules: ${rules} }]`,
  );
  for (let n = 0; n < 3; n++) {
    const client = await connectClient(t, gateway.url);
    await publishNumbers(client, "quick", 1, [n * 20, n * 20 + 20]);
    await publishNumbers(client, "safe", 1, [n * 5, n * 5 + 5]);
    await gateway.kill();
    await gateway.start();
  }
  await upstream.start();
  await eventually(() => numbersOf(upstream.taken(), "safe").includes(14), "it arrives");
  assert.deepEqual(numbersOf(upstream.taken(), "safe"), range(0, 15));
});
