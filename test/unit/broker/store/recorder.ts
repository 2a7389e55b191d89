// A process that records until it is killed, and tells its parent what is stored: `+3` once message 3 is in the queue of its session,
// `-3` before message 3 is settled. Started by kill.test.ts with the folder and the first number.
import { argv } from "node:process";
import { openStore } from "../../../../src/broker/store/open.js";
import { stored } from "./fixture.js";
import { Model } from "./model.js";

const [folder = "", first = "0"] = argv.slice(2);
const model = new Model();
const options = { folder, durability: "commit", interval: 1000, compactBytes: 20_000, live: model } as const;
const store = await openStore({ ...options, journal: () => undefined });
const { sessions, retained } = store.takeRecovered();
model.adopt(sessions, retained);
model.store = store;
let next = Number(first);

function told(text: string): Promise<unknown> {
  return new Promise((resolve) => process.send?.(text, undefined, {}, resolve));
}

async function recordForEver(worker: number): Promise<void> {
  const id = `client-${worker}`;
  model.put(id, { listener: "tcp://127.0.0.1:1883", expiry: 60 });
  for (;;) {
    const number = next++;
    const publication = { topic: `${number}`, payload: Buffer.alloc(number % 200), qos: 1, retain: false } as const;
    model.enqueue(id, { publication, qos: 1, retain: false, identifiers: undefined });
    model.retain({ ...publication, topic: id, payload: Buffer.from(`${number}`) });
    await stored(store);
    process.send?.(`+${number}`);
    const [oldest] = [...model.sessions()].find(({ clientId }) => clientId === id)?.queue ?? [];
    if (number % 3 === 0 || oldest === undefined) continue;
    // The parent's pipe may be full: what waits in front of it ends with the process.
    await told(`-${oldest.publication.topic}`);
    model.settle(id, 0);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, worker) => recordForEver(worker)));
