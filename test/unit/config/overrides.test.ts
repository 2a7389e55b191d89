import assert from "node:assert/strict";
import test from "node:test";
import { ConfigError } from "../../../src/config/index.js";
import { load } from "./fixtures.js";

const file = `
log: { level: warn }
bridges:
  - { id: cloud, url: "mqtt://a" }
devices:
  - { id: air, adapter: coap, qos: 0 }
  - { id: plant.gas, adapter: serial, address: /dev/ttyUSB0 }
`;

test("the file is over the defaults, the environment over the file, --set over both", () => {
  const level = (env: Record<string, string>, set: string[]) => load(file, { env, set }).config.log.level;
  assert.equal(load("").config.log.level, "info");
  assert.equal(level({}, []), "warn");
  assert.equal(level({ WEIR_LOG__LEVEL: "error" }, []), "error");
  assert.equal(level({ WEIR_LOG__LEVEL: "error" }, ["log.level=debug"]), "debug");
  assert.equal(level({}, ["log.level=debug", "log.level=info"]), "info");
});

test("variables match keys without case, and list entries by index or id", () => {
  const { config } = load(file, {
    env: {
      WEIR_BRIDGES__0__CLIENTID: "first",
      WEIR_BRIDGES__cloud__KeepAlive: "10s",
      WEIR_DEVICES__AIR__QOS: "2",
      WEIR_DEVICES__PLANT_GAS__RETAIN: "true",
      WEIR_DEVICES__1__ADDRESS__PATH: "/dev/ttyACM0",
      WEIR_ADAPTERS__COAP__LISTEN: "udp://0.0.0.0:5683",
      WEIR_DEVICES__AIR__RESOURCES__pm2_5__QOS: "0",
    },
  });
  assert.equal(config.bridges[0]?.clientId, "first");
  assert.equal(config.bridges[0]?.keepAlive, 10_000);
  assert.equal(config.devices[0]?.qos, 2);
  assert.equal(config.devices[0]?.resources.get("pm2_5")?.qos, 0);
  assert.equal(config.devices[1]?.retain, true);
  assert.deepEqual(structuredClone(config.devices[1]?.address), { path: "/dev/ttyACM0" });
  assert.deepEqual(config.adapters["coap"], { listen: "udp://0.0.0.0:5683" });
});

test("--set spells a path as an error does", () => {
  const { config } = load(file, {
    set: [
      "devices[plant.gas].qos=2",
      'devices["air"].qos=2',
      "bridges[0].window=7",
      "bridges.cloud.outbox.maxBytes=1MiB",
    ],
  });
  assert.deepEqual(
    config.devices.map(({ qos }) => qos),
    [2, 2],
  );
  assert.equal(config.bridges[0]?.window, 7);
  assert.equal(config.bridges[0]?.outbox.maxBytes, 1024 * 1024);
});

test("an entry of a default list can be replaced, and one added after the last", () => {
  const urls = (...set: string[]) => load("", { set }).config.broker.listeners.map(({ url }) => url);
  assert.deepEqual(urls("broker.listeners.0=tcp://127.0.0.1:1884"), ["tcp://127.0.0.1:1884", "ws://127.0.0.1:8083"]);
  assert.equal(urls("broker.listeners.2=tcp://127.0.0.1:1884").length, 3);
  assert.deepEqual(urls("broker.listeners=[tcp://a:1]"), ["tcp://a:1"]);
  assert.deepEqual(urls("broker.listeners=[]"), []);
});

test("variables that add entries to a list are taken in the order of their numbers", () => {
  const env = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`WEIR_PROFILES__${11 - index}`, `/p${11 - index}`]),
  );
  assert.deepEqual(
    load("", { env }).config.profiles,
    Array.from({ length: 12 }, (_, index) => `/p${index}`),
  );
});

test("text stays text: a password may look like a number or a comment", () => {
  for (const password of ["0123", "1e3", "a #b", "*a", "[x", "true", "null1", " pad "]) {
    const set = ["bridges.0.username=u", `bridges.0.password=${password}`];
    assert.equal(load(file, { set }).config.bridges[0]?.password, password);
  }
  const quoted = load(file, { set: ["bridges.0.username=u", 'bridges.0.password="a\\tb"'] });
  assert.equal(quoted.config.bridges[0]?.password, "a\tb");
});

test("an empty value takes a key out", () => {
  assert.equal(load(file, { env: { WEIR_DEVICES__AIR__QOS: "" } }).config.devices[0]?.qos, 1);
  assert.equal(load(file, { set: ["devices.0="] }).config.devices.length, 1);
});

test("a whole section can be given at once, and changed after", () => {
  const { config } = load(file, { set: ["devices.air.report={on: change}", "devices.air.report.heartbeat=1m"] });
  assert.deepEqual(config.devices[0]?.report, { on: "change", heartbeat: 60_000 });
});

test("a value that replaces a section is where its errors are said to be", () => {
  const set = ["devices.air.qos=1", "devices.0={id: air, adapter: coap, qos: 9}"];
  assert.throws(
    () => load(file, { set }),
    (error) => error instanceof ConfigError && error.format() === "--set devices.0 devices[0].qos: must be 0, 1 or 2",
  );
});

test("references are replaced in overrides too", () => {
  const env = { WEIR_DEVICES__AIR__TOPIC: `\${env:SITE}/{resource}`, SITE: "hall" };
  assert.equal(load(file, { env }).config.devices[0]?.topic, "hall/{resource}");
});
