import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import type { Publication } from "../../../../src/broker/publication.js";
import type { Disk } from "../../outbox/log/disk.js";
import { events, type Opened, open, stored } from "./fixture.js";
import type { Model } from "./model.js";

type Change = (model: Model) => void;
type Step = readonly [what: string, change: Change] | "stored" | "turn" | "close" | "kill" | "plug";

const client = fc.constantFrom("a", "b", "c", "€");
const text = fc.oneof(fc.string({ maxLength: 10 }), fc.constant("x".repeat(100)), fc.constant("ü".repeat(50)));
const bytes = fc.uint8Array({ maxLength: 50 });
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const properties = fc.record(
  {
    ...{ payloadFormatIndicator: fc.boolean(), contentType: text, responseTopic: text, correlationData: bytes },
    userProperties: fc.array(fc.tuple(text, text), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const publication: fc.Arbitrary<Publication> = fc.record({
  ...{
    topic: fc.constantFrom("t/1", "t/2", "t/3"),
    payload: bytes,
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
  },
  ...{ clientId: maybe(client), properties: maybe(properties), messageExpiry: maybe(fc.nat({ max: 2 ** 45 })) },
});
const terms = fc.record({
  user: maybe(fc.string()),
  sent: maybe(fc.nat()),
  listener: fc.string(),
  expiry: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  will: maybe(fc.record({ publication, delay: fc.nat({ max: 2 ** 32 - 1 }) })),
  disconnected: maybe(fc.nat({ max: 2 ** 45 })),
});
const subscription = fc.record({
  ...{ filter: fc.constantFrom("t/+", "#", "$share/g/t/1"), qos: fc.constantFrom(0, 1, 2), noLocal: fc.boolean() },
  ...{ retainAsPublished: fc.boolean(), identifier: maybe(fc.integer({ min: 1, max: 268_435_455 })) },
});
const entry = fc.record({
  ...{ publication, qos: fc.constantFrom(1, 2), retain: fc.boolean() },
  identifiers: maybe(fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 })),
});

function change<T extends unknown[]>(
  what: string,
  make: (model: Model, ...values: T) => void,
  ...values: { [K in keyof T]: fc.Arbitrary<T[K]> }
): fc.Arbitrary<Step> {
  const tuple = fc.tuple(...values) as unknown as fc.Arbitrary<T>;
  return tuple.map((given): Step => [`${what} ${fc.stringify(given)}`, (model) => make(model, ...given)]);
}

const nth = fc.nat({ max: 20 });
const packetId = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: change("put", (model, id, given) => model.put(id, given), client, terms) },
  { weight: 1, arbitrary: change("drop", (model, id) => model.drop(id), client) },
  { weight: 2, arbitrary: change("subscribe", (model, id, one) => model.subscribe(id, one), client, subscription) },
  { weight: 1, arbitrary: change("unsubscribe", (model, id) => model.unsubscribe(id, "#"), client) },
  { weight: 8, arbitrary: change("enqueue", (model, id, one) => void model.enqueue(id, one), client, entry) },
  // One publication for all.
  {
    weight: 3,
    arbitrary: change("fan out", (model, one) => ["a", "b", "c"].forEach((id) => void model.enqueue(id, one)), entry),
  },
  { weight: 2, arbitrary: change("release", (model, id, n) => model.release(id, n), client, nth) },
  { weight: 6, arbitrary: change("settle", (model, id, n) => model.settle(id, n), client, nth) },
  { weight: 2, arbitrary: change("receive", (model, id, n) => model.receive(id, n), client, packetId) },
  { weight: 2, arbitrary: change("complete", (model, id, n) => model.complete(id, n), client, packetId) },
  { weight: 4, arbitrary: change("retain", (model, one) => model.retain(one), publication) },
  { weight: 3, arbitrary: fc.constant<Step>("stored") },
  { weight: 8, arbitrary: fc.constant<Step>("turn") },
  { weight: 1, arbitrary: fc.constantFrom<Step>("close", "kill", "plug") },
);

/** All states that there were since what was promised last, as text. */
class History {
  #states: string[] = [];

  promised(model: Model): void {
    this.#states = [JSON.stringify(model.state)];
  }

  changed(model: Model): void {
    this.#states.push(JSON.stringify(model.state));
  }

  check(model: Model, what: string): void {
    const now = JSON.stringify(model.state);
    assert.ok(this.#states.includes(now), `after ${what}: not a state that there was since the promise: ${now}`);
  }
}

async function run(
  steps: readonly Step[],
  durability: "commit" | "interval" | "none",
  chances: number[],
): Promise<void> {
  const options = { durability, compactBytes: 150, interval: 5 };
  let opened: Opened = await open(options);
  const history = new History();
  history.promised(opened.model);
  const reopen = async (what: string, end: (disk: Disk) => void): Promise<void> => {
    end(opened.disk);
    const before = opened;
    opened = await open(options, before.disk);
    await before.store.close();
    if (what === "close") assert.deepEqual(opened.model.state, before.model.state);
    history.check(opened.model, what);
    assert.equal(events(opened.journal, "store_lost"), 0);
    history.promised(opened.model);
  };
  let chance = 0;
  const take = async (one: Step): Promise<void> => {
    if (one === "turn") for (let n = 0; n < 4; n += 1) await turn();
    else if (one === "stored") {
      await stored(opened.store);
      if (durability === "commit") history.promised(opened.model);
    } else if (one === "close") {
      await opened.store.close();
      await reopen("close", () => undefined);
    } else if (one === "kill") await reopen("kill", (disk) => disk.kill());
    else if (one === "plug") {
      // Without fsync the medium may have anything.
      if (durability === "none") return;
      await reopen("plug", (disk) => disk.pullPlug(() => chances[chance++ % chances.length] ?? 0));
    } else {
      one[1](opened.model);
      history.changed(opened.model);
    }
  };
  try {
    for (const one of [...steps, "close" as const]) await take(one);
  } finally {
    await opened.store.close();
  }
}

for (const durability of ["commit", "interval", "none"] as const) {
  test(`whatever happens, what is there after it is a state that there was since the last promise: ${durability}`, async () => {
    const chances = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150, size: "max" }), chances, (steps, given) =>
        run(steps, durability, given),
      ),
      { numRuns: 150, includeErrorInReport: true },
    );
  });
}
