import assert from "node:assert/strict";
import { test } from "node:test";
import { Disk, systemError } from "../../outbox/log/disk.js";
import { events, type Opened, open, publication, stored } from "./fixture.js";
import type { Model } from "./model.js";

/** So large that a snapshot takes several slices. */
const LARGE = Buffer.alloc(30_000, 1);
const IDS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const entry = { qos: 2, retain: false, identifiers: undefined } as const;

function will(text: string): {
  listener: string;
  expiry: number;
  will: { delay: number; publication: ReturnType<typeof publication> };
} {
  return {
    listener: "tcp://127.0.0.1:1883",
    expiry: 60,
    will: { delay: 1, publication: publication(text, { payload: LARGE }) },
  };
}

/** One change after another, at each place of the state, in front of the snapshot's slices and behind them. */
const CHANGES: readonly ((model: Model, n: number) => void)[] = [
  (model, n) => void model.enqueue(IDS[n % 8] ?? "", { ...entry, publication: publication(`queued ${n}`) }),
  (model, n) => model.drop(IDS[(n * 3) % 8] ?? ""),
  (model, n) => model.settle(IDS[(n * 5) % 8] ?? "", n),
  (model, n) => model.retain(publication(`retained ${n % 5}`, { payload: Buffer.from(`${n}`) })),
  (model, n) => model.put(IDS[(n * 3 + 1) % 8] ?? "", will(`will ${n}`)),
  (model, n) => model.release(IDS[(n * 7) % 8] ?? "", n),
  (model, n) => model.retain(publication(`retained ${(n + 2) % 5}`, { payload: Buffer.alloc(0) })),
  (model, n) => model.receive(IDS[n % 8] ?? "", n + 1),
];

async function filled(): Promise<Opened> {
  const opened = await open({ compactBytes: 1e9 });
  for (const id of IDS) {
    opened.model.put(id, will(`will of ${id}`));
    for (let n = 0; n < 4; n += 1)
      opened.model.enqueue(id, { ...entry, publication: publication(`${id} ${n}`, { payload: LARGE }) });
  }
  for (let n = 0; n < 5; n += 1) opened.model.retain(publication(`retained ${n}`));
  await opened.store.close();
  return opened;
}

test("a crash at each moment of a snapshot that is taken while all changes leaves a state that there was", async () => {
  const { disk: image } = await filled();
  for (const cut of [true, false]) {
    let taken = false;
    for (let at = 10; !taken; at += 1) {
      const disk = Disk.of(image.image());
      const opened = await open({ compactBytes: 1, durability: "interval", interval: 1e6 }, disk);
      const { store, model } = opened;
      const states = [JSON.stringify(model.state)];
      let n = 0;
      const from = disk.calls;
      const changes: Promise<void> = new Promise((resolve) => {
        disk.trouble = () => {
          CHANGES[n % CHANGES.length]?.(model, n);
          n += 1;
          states.push(JSON.stringify(model.state));
          // Once the call is done: a call is not undone by what comes after it.
          if (disk.calls === from + at) setImmediate(resolve);
          return undefined;
        };
      });
      model.receive("a", 1000);
      states.push(JSON.stringify(model.state));
      await changes;
      disk.trouble = () => undefined;
      // Until the files before it are gone.
      taken = ![...disk.names.keys()].some((name) => name.startsWith("000000000001"));
      if (cut) disk.pullPlug(() => 0);
      else disk.kill();
      await store.close();
      const again = await open({}, disk);
      await again.store.close();
      assert.ok(states.includes(JSON.stringify(again.model.state)), `at call ${at}, ${cut ? "power cut" : "kill"}`);
      assert.equal(events(again.journal, "store_lost"), 0);
    }
  }
});

test("a snapshot does not hold the event loop, nor those who wait for their records", async () => {
  const { disk } = await filled();
  const { store, model } = await open({ compactBytes: 1 }, disk);
  let slices = 0;
  disk.trouble = (call, path) => {
    if (call === "write" && path.endsWith(".part")) slices += 1;
    return undefined;
  };
  let during = 0;
  for (let n = 0; n < 100 && ![...disk.names.keys()].some((name) => name.endsWith(".snapshot")); n += 1) {
    model.receive("a", n + 1);
    await stored(store);
    if (slices > 0) during += 1;
  }
  assert.ok(slices > 5 && during > 1, `${slices} slices, ${during} commits meanwhile`);
  await store.close();
});

test("killed before its snapshot's name was sure, and the power goes after the next start: nothing is gone", async () => {
  const { disk: image } = await filled();
  const disk = Disk.of(image.image());
  const opened = await open({ compactBytes: 1, durability: "commit" }, disk);
  const killed: Promise<void> = new Promise((resolve) => {
    let renamed = false;
    disk.trouble = (call) => {
      if (renamed && call === "syncFolder") {
        disk.kill();
        resolve();
        return systemError("EGONE");
      }
      renamed ||= call === "rename";
      return undefined;
    };
  });
  opened.model.put("last", will("last"));
  await stored(opened.store);
  const state = JSON.stringify(opened.model.state);
  await killed;
  disk.trouble = () => undefined;
  const second = await open({ compactBytes: 1e9 }, disk);
  assert.equal(JSON.stringify(second.model.state), state);

  // What was removed is gone from the medium; what was added but not made sure of has not come to it.
  const there = disk.names.size;
  let asked = 0;
  disk.pullPlug(() => (asked++ < there ? 0 : 1));
  const third = await open({ compactBytes: 1e9 }, disk);
  assert.equal(JSON.stringify(third.model.state), state);
  await Promise.all([opened, second, third].map(({ store }) => store.close()));
});
