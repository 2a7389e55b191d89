// A process that records until it is killed, and tells its parent which sequences were answered. Started by kill.test.ts with the
// folder, the first sequence, whether it syncs, and how many sequences behind one that was answered all are settled.
import { argv } from "node:process";
import { openSessionStore } from "../../../../src/bridge/session/store.js";

const [folder = "", first = "1", syncs = "", behind = "0"] = argv.slice(2);
const store = await openSessionStore({
  id: "up",
  folder,
  epochs: ["a", "b"],
  settled: [0, 0],
  syncs: syncs === "true",
  bankBytes: 8192,
  journal: () => undefined,
});
let next = Number(first);

async function recordForEver(): Promise<void> {
  for (;;) {
    const sequence = next;
    // Every second one, so that no ranges touch.
    next += 2;
    await store.record([{ kind: "handedOver", lane: 0, first: sequence, last: sequence }]);
    process.send?.(sequence);
    store.settled(0, sequence - Number(behind));
  }
}

await Promise.all(Array.from({ length: 16 }, recordForEver));
