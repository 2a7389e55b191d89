// A process that appends until it is killed, and tells its parent what was promised: `+3` once message 3 may be acknowledged to its
// sender, `-3` before it acknowledges message 3, and `=3` once sequence 3 is settled. Started by kill.test.ts with the folder and the first number.
import { argv } from "node:process";
import { openDurableOutbox } from "../../../../src/outbox/log/open.js";

const [folder = "", first = "0"] = argv.slice(2);
const outbox = await openDurableOutbox({
  id: "up",
  folder,
  maxMessages: 1e6,
  maxBytes: 1e9,
  whenFull: "refuse",
  durability: "commit",
  interval: 1000,
  segmentBytes: 20_000,
  readAhead: 50,
  journal: () => undefined,
  now: Date.now,
});
let next = Number(first);

function told(text: string): Promise<unknown> {
  return new Promise((resolve) => process.send?.(text, undefined, {}, resolve));
}

async function appendForEver(): Promise<void> {
  for (;;) {
    const number = next++;
    const payload = Buffer.from(String(number).padEnd(number % 200, "."));
    await outbox.append({ topic: "t", payload, qos: 1, retain: false });
    process.send?.(`+${number}`);
    // A third as many are taken, so that the log grows.
    const entry = number % 3 === 0 ? outbox.take() : undefined;
    if (entry === undefined) continue;
    // The parent's pipe may be full: what waits in front of it ends with the process.
    await told(`-${Number.parseInt(Buffer.from(entry.message.payload).toString(), 10)}`);
    outbox.acknowledge(entry.sequence);
    process.send?.(`=${outbox.settled}`);
  }
}

await Promise.all(Array.from({ length: 16 }, appendForEver));
