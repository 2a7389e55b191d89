import assert from "node:assert/strict";
import { test } from "node:test";
import { gatewayProblems } from "../../../../../adapters/coap/pubsub/check.js";
import { pubsubSettings } from "../../../../../adapters/coap/pubsub/config.js";
import { device } from "../fixture.js";

const USUAL = {
  connectionRequired: false,
  heartbeat: 30_000,
  publishQos: "coap",
  subscribeQos: "coap",
  notify: "qos",
  maxPayload: undefined,
};

test("it is off unless it is asked for, and has EMQX's settings where it is", () => {
  assert.equal(pubsubSettings.parse(undefined), undefined);
  assert.equal(pubsubSettings.parse(false), undefined);
  assert.deepEqual(pubsubSettings.parse(true), USUAL);
  assert.deepEqual(pubsubSettings.parse({}), USUAL);
  assert.deepEqual(
    pubsubSettings.parse({
      connectionRequired: true,
      heartbeat: "5m",
      publishQos: 2,
      subscribeQos: 0,
      notify: "con",
      maxPayload: 9,
    }),
    { connectionRequired: true, heartbeat: 300_000, publishQos: 2, subscribeQos: 0, notify: "con", maxPayload: 9 },
  );
});

test("what cannot be is said", () => {
  for (const given of [
    "yes",
    { heartbeat: 30 },
    { heartbeat: "10ms" },
    { publishQos: 3 },
    { notify: "qos1" },
    { other: 1 },
  ])
    assert.equal(pubsubSettings.safeParse(given).success, false, JSON.stringify(given));
});

test("devices below the gateway's paths, and a message larger than a request, are problems where it is on", () => {
  const devices = [device("ps"), device("a", undefined, "mqtt/a"), device("psx"), device("b", undefined, "c/ps")];
  assert.deepEqual(gatewayProblems({ pubsub: undefined, maxPayload: 100 }, devices), []);
  const pubsub = pubsubSettings.parse({ maxPayload: 101 });
  const found = gatewayProblems({ pubsub, maxPayload: 100 }, devices);
  assert.deepEqual(
    found.map(({ device: id, path }) => `${id} ${path.join(".")}`),
    ["undefined pubsub.maxPayload", "ps address", "a address"],
  );
});
