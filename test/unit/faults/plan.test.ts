import assert from "node:assert/strict";
import { test } from "node:test";
import { FAULTS, nextStep, type Step, USUAL } from "../../faults/plan.js";
import { seeded } from "../../support/random.js";

function steps(seed: number, count: number, names = USUAL): Step[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => nextStep(random, names));
}

test("a seed plans the same again, another seed something else", () => {
  assert.deepEqual(steps(7, 50), steps(7, 50));
  assert.notDeepEqual(steps(7, 50), steps(8, 50));
});

test("every kind comes, alone and two at once, and two are never done to one thing", () => {
  const all = steps(1, 2000, FAULTS);
  const names = new Set(all.flatMap(({ faults }) => faults.map(({ name }) => name)));
  assert.deepEqual([...names].sort(), [...FAULTS].sort());
  const pairs = all
    .filter(({ faults }) => faults.length === 2)
    .map(({ faults }) => faults.map(({ name }) => name).join("+"));
  assert.ok(pairs.includes("gateway-kill+upstream-kill"));
  assert.ok(pairs.includes("gateway-kill+acks-cut"));
  assert.ok(!pairs.some((pair) => /(link-|-cut).*\+.*(link-|-cut)/.test(pair)), "a link is not cut twice at once");
  assert.ok(all.every(({ after }) => after >= 50 && after <= 900));
});

test("only what was chosen is done", () => {
  assert.ok(steps(3, 100, ["acks-cut"]).every(({ faults }) => faults.length === 1 && faults[0]?.name === "acks-cut"));
});
