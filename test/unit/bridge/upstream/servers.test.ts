import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseAfterFailure } from "../../../../src/bridge/upstream/backoff.js";
import { Servers } from "../../../../src/bridge/upstream/servers.js";

const rig = () => new Servers({ urls: ["a", "b", "c"], pause: (failures) => 100 * 2 ** failures });

test("the first is taken while it is well, and the next one at once when it fails", () => {
  const servers = rig();
  assert.deepEqual(servers.next(0), { url: "a", wait: 0 });
  servers.failed("a", 0);
  assert.deepEqual(servers.next(0), { url: "b", wait: 0 });
  servers.failed("b", 0);
  assert.deepEqual(servers.next(0), { url: "c", wait: 0 });
});

test("when all have failed, the one whose pause ends first is waited for", () => {
  const servers = rig();
  for (const url of ["a", "a", "b", "c"]) servers.failed(url, 0);
  assert.deepEqual(servers.next(0), { url: "b", wait: 100 });
  assert.deepEqual(servers.next(60), { url: "b", wait: 40 });
  assert.deepEqual(servers.next(500), { url: "a", wait: 0 });
});

test("each server's pauses grow by themselves, and begin anew when it is well", () => {
  const servers = rig();
  for (let i = 0; i < 3; i++) servers.failed("a", 0);
  for (const url of ["b", "c"]) for (let i = 0; i < 9; i++) servers.failed(url, 0);
  assert.equal(servers.next(0).wait, 400);
  servers.well("a");
  servers.failed("a", 1_000);
  assert.deepEqual(servers.next(1_000), { url: "a", wait: 100 });
});

test("those ahead of a server, and one that is preferred at once", () => {
  const servers = rig();
  assert.deepEqual([servers.ahead("a"), servers.ahead("c")], [[], ["a", "b"]]);
  servers.failed("a", 0);
  servers.prefer("a");
  assert.equal(servers.next(0).url, "a");
  servers.failed("nobody", 0);
});

test("pauses lie between both bounds, over a range that doubles", () => {
  const bounds = { min: 100, max: 5_000 };
  assert.equal(pauseAfterFailure(bounds, 0, 0), 100);
  assert.equal(pauseAfterFailure(bounds, 0, 0.999), 199);
  assert.equal(pauseAfterFailure(bounds, 3, 0.999), 1_598);
  for (const failures of [10, 1_000, 1e9]) assert.equal(pauseAfterFailure(bounds, failures, 0.9999), 4_999);
});
