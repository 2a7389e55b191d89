import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import test from "node:test";
import { resourcePolicy } from "../../../src/config/index.js";
import { load } from "./fixtures.js";

test("an empty file is a gateway with every default", () => {
  const { config, warnings } = load("");
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.gateway, {
    id: "plant",
    prefix: "weir",
    state: resolve("weir-state"),
    info: 60_000,
    clock: { mode: "auto", wait: 240_000 },
  });
  assert.deepEqual(config.log, { level: "info", format: "text" });
  assert.deepEqual(config.broker.listeners, [
    { scheme: "tcp", host: "127.0.0.1", port: 1883, url: "tcp://127.0.0.1:1883" },
    { scheme: "ws", host: "127.0.0.1", port: 8083, url: "ws://127.0.0.1:8083" },
  ]);
  assert.deepEqual(config.adapters, { serial: {}, coap: { listen: "udp://127.0.0.1:5683" } });
  assert.deepEqual([config.bridges, config.profiles, config.devices], [[], [], []]);
  assert.equal(config.simulator, undefined);
});

test("the host name is made safe for topics", () => {
  assert.equal(load("", { hostname: "plant 7/é" }).config.gateway.id, "plant-7--");
  assert.equal(load("", { hostname: "" }).config.gateway.id, "weir");
  assert.equal(load("", { hostname: "x".repeat(99) }).config.gateway.id.length, 64);
});

test("a device takes what it does not say from defaults, a resource from its device", () => {
  const { config } = load(`
defaults: { qos: 2, retain: true, topic: "site/{device}/{resource}", report: { on: change }, stale: 1h }
devices:
  - { id: a, adapter: coap }
  - id: b
    adapter: coap
    qos: 0
    topic: "b/{resource}"
    report: { on: every }
    resources:
      t: { retain: false }
      h: { qos: 1, topic: attic, report: { on: change, deadband: { percent: 5 } } }
`);
  const [a, b] = config.devices;
  assert.ok(a && b);
  const inherited = {
    qos: 2,
    retain: true,
    format: "json",
    topic: "site/{device}/{resource}",
    report: { on: "change" },
  };
  const { qos, retain, format, topic, report } = resourcePolicy(a, "any");
  assert.deepEqual({ qos, retain, format, topic, report }, inherited);
  assert.equal(a.stale, 3_600_000);
  assert.deepEqual(b.address, {});
  const own = { ...inherited, qos: 0, topic: "b/{resource}", report: { on: "every" } };
  assert.deepEqual(resourcePolicy(b, "t"), { ...own, retain: false });
  const attic = { qos: 1, topic: "attic", report: { on: "change", deadband: { percent: 5 } } };
  assert.deepEqual(resourcePolicy(b, "h"), { ...own, ...attic });
});

test("a name of an object's prototype is no resource with a policy of its own", () => {
  const [device] = load("devices: [{ id: a, adapter: coap }]").config.devices;
  assert.ok(device);
  assert.equal(resourcePolicy(device, "constructor"), device);
  assert.equal(resourcePolicy(device, "__proto__"), device);
});

test("a topic that nobody named fits the format", () => {
  const { config } = load(`
defaults: { topic: "site/{device}/{resource}" }
devices:
  - { id: a, adapter: coap, format: object, resources: { t: { format: value }, h: { qos: 0 } } }
  - { id: b, adapter: coap, format: senml }
`);
  const [a, b] = config.devices;
  assert.ok(a && b);
  assert.equal(a.topic, "{prefix}/{device}");
  assert.equal(resourcePolicy(a, "h").topic, "{prefix}/{device}");
  assert.equal(resourcePolicy(a, "t").topic, "site/{device}/{resource}");
  assert.equal(b.topic, "site/{device}/{resource}");
});

test("a bridge without rules carries the gateway's prefix out and commands in", () => {
  const { config } = load('gateway: { prefix: a/b }\nbridges: [{ id: up, url: "mqtt://x" }]');
  const [bridge] = config.bridges;
  assert.equal(bridge?.clientId, "weir-plant-up");
  const prefixes = { localPrefix: "a/b/", remotePrefix: "a/b/", retain: "keep", priority: "normal", qos0: "queue" };
  assert.deepEqual(bridge?.rules, [
    { filter: "#", direction: "out", ...prefixes },
    { filter: "+/+/set", direction: "in", ...prefixes },
    { filter: "+/+/get", direction: "in", ...prefixes },
    { filter: "+/+/exec", direction: "in", ...prefixes },
  ]);
  const onDisk = { durability: "commit", interval: 1000, maxMessages: 10_000_000, maxBytes: 2 ** 30 };
  assert.deepEqual(bridge.outbox, { ...onDisk, whenFull: "drop-oldest" });
  assert.deepEqual([bridge.protocol, bridge.keepAlive, bridge.clean, bridge.window], [4, 30_000, false, 100]);
});

test("a queue in memory has smaller bounds, unless they are given", () => {
  const outbox = (text: string) =>
    load(`bridges: [{ id: up, url: "mqtt://x", outbox: ${text} }]`).config.bridges[0]?.outbox;
  assert.equal(outbox("{ durability: memory }")?.maxMessages, 100_000);
  assert.equal(outbox("{ durability: memory, maxMessages: 7 }")?.maxMessages, 7);
  assert.equal(outbox("{ durability: none }")?.maxBytes, 2 ** 30);
});

test("what must survive is kept where systemd says, unless the file says where", () => {
  const env = { STATE_DIRECTORY: "/var/lib/weir:/var/lib/other" };
  assert.equal(load("", { env }).config.gateway.state, "/var/lib/weir");
  assert.equal(load("gateway: { state: /data }", { env }).config.gateway.state, "/data");
});

test("paths begin at the configuration file's folder", () => {
  const file = join("etc", "weir.yaml");
  const tls = "{ ca: ca.pem, cert: /c.pem, key: keys/k.pem }";
  const { config } = load(`profiles: [devices]\nbridges: [{ id: a, url: "mqtts://a", tls: ${tls} }]`, { file });
  assert.deepEqual(config.profiles, [resolve("etc/devices")]);
  assert.deepEqual(config.bridges[0]?.tls, {
    rejectUnauthorized: true,
    ca: resolve("etc/ca.pem"),
    cert: "/c.pem",
    key: resolve("etc/keys/k.pem"),
  });
});

test("a simulated device needs no address", () => {
  const { config } = load("devices: [{ id: a, adapter: serial, simulate: true }]");
  assert.equal(config.devices[0]?.address, undefined);
  assert.throws(() => load("devices: [{ id: a, adapter: serial }]"), /devices\[0\]\.address: is missing/);
});
