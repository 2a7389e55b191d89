import assert from "node:assert/strict";
import { test } from "node:test";
import { readings } from "../../../../bench/bridge/readings.js";

test("readings are lines of a topic and a payload as the gateway writes it", () => {
  const lines = readings(1_000);
  assert.equal(lines.length, 1_000);
  for (const line of lines)
    assert.match(
      line,
      /^weir\/air-[1-4]\/\w+ \{"v":\d+(\.\d)?,"t":1763890\d{6},"u":"(Cel|%RH|hPa|ug\/m3)","q":"good"\}$/,
    );
  assert.equal(new Set(lines.map((line) => line.split(" ")[0])).size, 16);
});

test("they are the same ones each time, and values move", () => {
  assert.deepEqual(readings(500), readings(500));
  const values = readings(1_000)
    .filter((line) => line.startsWith("weir/air-1/temperature "))
    .map((line) => /"v":([\d.]+)/.exec(line)?.[1]);
  assert.ok(new Set(values).size > 3);
});
