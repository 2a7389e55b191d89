import assert from "node:assert/strict";
import { test } from "node:test";
import type { Origin } from "../../../src/core/message.js";
import { type CommandRule, commandAccess } from "../../../src/router/index.js";

const CLOUD: Origin = { from: "bridge", bridge: "cloud" };
const PANEL: Origin = { from: "client", client: "panel-1" };
const GATEWAY: Origin = { from: "gateway" };
const ALL: readonly Origin[] = [CLOUD, PANEL, GATEWAY];
const SET = { device: "boiler-1", resource: "setpoint", action: "write" } as const;

function whoMay(rules: readonly CommandRule[] | undefined, target = SET): Origin[] {
  const allowed = commandAccess(rules);
  return ALL.filter((origin) => allowed(origin, target));
}

test("without rules everyone may, with an empty list nobody", () => {
  assert.deepEqual(whoMay(undefined), ALL);
  assert.deepEqual(whoMay([]), []);
  assert.deepEqual(whoMay([{}]), ALL);
});

test("a rule says from where", () => {
  assert.deepEqual(whoMay([{ from: "cloud" }]), [CLOUD]);
  assert.deepEqual(whoMay([{ from: "local" }]), [PANEL, GATEWAY]);
  assert.deepEqual(whoMay([{ from: "client:panel-*" }]), [PANEL]);
  assert.deepEqual(whoMay([{ from: "client:panel" }]), []);
  assert.deepEqual(whoMay([{ from: "panel-1" }]), [], "a client is not a bridge");
  const local: Origin = { from: "bridge", bridge: "local" };
  assert.equal(commandAccess([{ from: "local" }])(local, SET), false);
  assert.equal(commandAccess([{}])({ from: "device", device: "a" }, SET), true);
  assert.equal(commandAccess([{ from: "local" }])({ from: "device", device: "a" }, SET), false);
});

test("and what: device, resource and action, all of one rule", () => {
  const rules = [
    { from: "cloud", device: "boiler-*", resource: "setpoint", actions: ["set"] },
    { from: "cloud", actions: ["get"] },
  ] as const;
  const allowed = commandAccess(rules);
  assert.ok(allowed(CLOUD, SET));
  assert.ok(!allowed(PANEL, SET));
  assert.ok(!allowed(CLOUD, { ...SET, device: "pump" }));
  assert.ok(!allowed(CLOUD, { ...SET, resource: "setpoint2" }));
  assert.ok(!allowed(CLOUD, { ...SET, action: "execute" }));
  assert.ok(allowed(CLOUD, { device: "pump", resource: "speed", action: "read" }));
});
