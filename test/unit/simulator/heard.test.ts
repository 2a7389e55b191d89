import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, Qos } from "../../../src/core/message.js";
import { createHeard, MAX_ROWS, placeOf, readingOf } from "../../../src/simulator/heard.js";

const message = (topic: string, payload: string, qos: Qos = 1): Message => ({
  topic,
  payload: Buffer.from(payload),
  qos,
  retain: false,
});

test("a reading's payload gives value and unit; anything else is shown as text", () => {
  for (const [payload, value, unit] of [
    ['{"v":21.5,"t":1763890000123,"u":"Cel","q":"good"}', "21.5", "Cel"],
    ['{"v":-3,"t":1,"q":"bad"}', "-3", "(bad)"],
    ['{"v":7,"u":"V","q":"uncertain"}', "7", "V (uncertain)"],
    ['{"v":true}', "true", ""],
    ['{"v":null,"q":"bad"}', "null", "(bad)"],
    ['{"v":"open"}', "open", ""],
    ['{"v":{"a":1}}', '{"a":1}', ""],
    ['{"v":1,"u":5,"q":{}}', "1", ""],
    ['{"t":1,"pm1_0":3}', '{"t":1,"pm1_0":3}', ""],
    ["{broken", "{broken", ""],
    ["online", "online", ""],
    ["21.5", "21.5", ""],
    ["[1]", "[1]", ""],
    ["", "", ""],
  ] as const) {
    assert.deepEqual(readingOf(Buffer.from(payload)), { value, unit }, payload);
  }
  // Too long to be a reading: not parsed at all.
  const long = readingOf(Buffer.from(`{"v":"${"x".repeat(10_000)}"}`));
  assert.equal(long.value.length, 4_096);
  assert.ok(long.value.startsWith('{"v":"xxx'));
});

test("device and resource from the topic", () => {
  assert.deepEqual(placeOf("upstream/weir/air/pm1_0", "upstream/weir/"), { device: "air", resource: "pm1_0" });
  assert.deepEqual(placeOf("upstream/weir/air", "upstream/weir/"), { device: "air", resource: "" });
  assert.deepEqual(placeOf("upstream/weir/air/a/b", "upstream/weir/"), { device: "air", resource: "a/b" });
  assert.deepEqual(placeOf("elsewhere/air/pm1_0", "upstream/weir/"), { device: "air", resource: "pm1_0" });
  assert.deepEqual(placeOf("a/b/air/pm1_0"), { device: "air", resource: "pm1_0" });
  assert.deepEqual(placeOf("alone"), { device: "alone", resource: "" });
  assert.deepEqual(placeOf(""), { device: "", resource: "" });
});

test("the latest of each topic, with a count, by device and in the order in which they were first heard", () => {
  const heard = createHeard("w/");
  heard.hear(message("w/b/x", "1"), 10);
  heard.hear(message("w/a/y", '{"v":2,"u":"V"}', 2), 20);
  heard.hear(message("w/a/x", "3", 0), 30);
  heard.hear(message("w/b/x", "4"), 40);
  heard.hear(message("$SYS/broker/new/clients", "x"), 50);
  assert.deepEqual(heard.rows(), [
    { device: "a", resource: "y", value: "2", unit: "V", qos: 2, heardAt: 20, messages: 1 },
    { device: "a", resource: "x", value: "3", unit: "", qos: 0, heardAt: 30, messages: 1 },
    { device: "b", resource: "x", value: "4", unit: "", qos: 1, heardAt: 40, messages: 2 },
  ]);
});

test("topics beyond the bound are counted and not kept; known ones go on", () => {
  const heard = createHeard();
  for (let i = 0; i < 1_000; i++) heard.hear(message(`w/d/${i}`, "1"), i);
  heard.hear(message("w/d/0", "2"), 5_000);
  assert.equal(heard.size, MAX_ROWS);
  assert.equal(heard.rows().length, MAX_ROWS);
  assert.equal(heard.others, 1_000 - MAX_ROWS);
  assert.deepEqual(heard.rows()[0], {
    device: "d",
    resource: "0",
    value: "2",
    unit: "",
    qos: 1,
    heardAt: 5_000,
    messages: 2,
  });
});
