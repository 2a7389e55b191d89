import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen, type Loaded, optionsOf, SCENARIOS, warmingOf } from "../../../../bench/broker/scenarios.js";

const SIZES = { rounds: 1, warm: 0.5, saturated: 2, paced: 3, connections: 10, idleRounds: 1, stay: 1 };

function loaded(name: string): Loaded {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario?.kind !== "load") throw new Error(`no scenario ${name}`);
  return scenario;
}

test("a scenario is chosen by its name or by how that begins; all without one", () => {
  const names = (only?: string): string[] => chosen(only).map(({ name }) => name);
  assert.deepEqual(names("fan-in"), ["fan-in-0", "fan-in-1", "fan-in-2"]);
  assert.deepEqual(names("idle"), ["idle"]);
  assert.deepEqual(names("nothing"), []);
  assert.equal(names().length, SCENARIOS.length);
});

test("no scenario has the name of another one, and each compares Weir first", () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const { brokers } of SCENARIOS) assert.equal(brokers[0].name, "weir");
});

test("the load generator is told the shape, the QoS, and for how long", () => {
  const options = (name: string): string => optionsOf(loaded(name), SIZES).join(" ");
  assert.equal(options("fan-out-2"), "fanout -S 50 -q 2 -s 64 -t 2 -W 0.5");
  assert.equal(options("paced-10k"), "fanin -P 50 -q 1 -s 64 -t 3 -W 0.5 -r 10000");
  assert.equal(options("mqtt5-fan-in-1"), "fanin -P 50 -q 1 -s 64 -5 -t 2 -W 0.5");
});

test("a paced run is warmed up at full speed, another one warms up itself", () => {
  assert.equal(warmingOf(loaded("paced-10k"), SIZES)?.join(" "), "fanin -P 50 -q 1 -s 64 -t 2 -W 0");
  assert.equal(warmingOf(loaded("fan-in-1"), SIZES), undefined);
});
