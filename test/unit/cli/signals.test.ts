import assert from "node:assert/strict";
import { test } from "node:test";
import { untilSignal } from "../../../src/cli/signals.js";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

test("after the first signal none is handled any more: whatever the second one is, it ends the process", async () => {
  const listeners = (): number[] => SIGNALS.map((signal) => process.listenerCount(signal));
  const before = listeners();
  const first = untilSignal();
  assert.deepEqual(
    listeners(),
    before.map((count) => count + 1),
  );
  process.emit("SIGHUP", "SIGHUP");
  assert.equal(await first, "SIGHUP");
  assert.deepEqual(listeners(), before);
});
