import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ResourcePolicy as ConfiguredPolicy } from "../../../src/config/index.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import type { Message, Origin } from "../../../src/core/message.js";
import type { Reading, Scalar } from "../../../src/core/reading.js";
import { createRouter, type ResourcePolicy, type Router, resourceProblem } from "../../../src/router/index.js";
import { type FakeClock, fakeClock, settled } from "./clock.js";

const EVERY: ResourcePolicy = {
  qos: 1,
  retain: false,
  format: "value",
  topic: "{prefix}/{device}/{resource}",
  report: { on: "every" },
};

interface Bench {
  readonly router: Router;
  readonly clock: FakeClock;
  /** `topic=payload` of what was accepted, in its order. */
  readonly accepted: string[];
  readonly messages: Message[];
  readonly origins: Origin[];
  readonly journal: Entry[];
  /** What `accept` does before it takes a message. */
  gate: (message: Message) => Promise<void> | void;
}

function bench(
  policies: Record<string, Partial<ResourcePolicy>>,
  more: { stale?: number; maxResources?: number } = {},
): Bench {
  const clock = fakeClock(1000);
  const accepted: string[] = [];
  const messages: Message[] = [];
  const origins: Origin[] = [];
  const journal: Entry[] = [];
  const device = (id: string) => ({
    id,
    adapter: "serial",
    stale: more.stale,
    resources: (name: string) => ({ ...EVERY, ...(policies[name] ?? policies["*"]) }),
  });
  const router = createRouter({
    prefix: "weir",
    gateway: "plant",
    devices: [device("air"), device("-odd")],
    accept: async (message, origin) => {
      await built.gate(message);
      accepted.push(`${message.topic}=${Buffer.from(message.payload).toString()}`);
      messages.push(message);
      origins.push(origin);
    },
    now: clock.now,
    setTimer: clock.setTimer,
    journal: (entry) => journal.push(entry),
    ...(more.maxResources === undefined ? {} : { maxResources: more.maxResources }),
  });
  const built: Bench = { router, clock, accepted, messages, origins, journal, gate: () => {} };
  return built;
}

function reading(resource: string, value: Scalar, more: Partial<Reading> = {}): Reading {
  return { device: "air", resource, value, time: 1_763_890_000_123, quality: "good", ...more };
}

const full = (): never => {
  throw new WeirError("OUTBOX_FULL", "outbox cloud is full");
};
const code = (wanted: string) => (error: unknown) => error instanceof WeirError && error.code === wanted;

describe("router", () => {
  it("makes messages by each resource's policy, in order", async () => {
    const at = bench({
      pm: { format: "json", qos: 2, retain: true },
      raw: { topic: "{gateway}/x/{resource}", qos: 0 },
    });
    await at.router.sink([
      reading("pm", 8, { unit: "ug/m3" }),
      reading("raw", Uint8Array.of(65)),
      reading("other", "on"),
    ]);
    assert.deepEqual(at.accepted, [
      'weir/air/pm={"v":8,"t":1763890000123,"u":"ug/m3","q":"good"}',
      "plant/x/raw=A",
      "weir/air/other=on",
    ]);
    assert.deepEqual(
      at.messages.map(({ qos, retain }) => [qos, retain]),
      [
        [2, true],
        [0, false],
        [1, false],
      ],
    );
    assert.deepEqual(at.origins[0], { from: "device", device: "air" });
  });

  it("takes the configuration's policies as they are", async () => {
    const configured: ConfiguredPolicy = {
      ...EVERY,
      report: { on: "change", deadband: { percent: 5 }, heartbeat: 60_000 },
    };
    const policy: ResourcePolicy = configured;
    const at = bench({ "*": policy });
    await at.router.sink([reading("a", 100), reading("a", 104), reading("a", 106)]);
    assert.deepEqual(at.accepted, ["weir/air/a=100", "weir/air/a=106"]);
  });

  it("makes one object of a batch, and another where a resource comes twice", async () => {
    const at = bench({ "*": { format: "object", topic: "{prefix}/{device}" }, apart: {} });
    const late = { time: 1_763_890_000_200 };
    await at.router.sink([
      reading("a", 1),
      reading("apart", 5),
      reading("b", 2, late),
      reading("a", 3),
      reading("c", 4),
    ]);
    assert.deepEqual(at.accepted, [
      'weir/air={"t":1763890000200,"a":1,"b":2}',
      "weir/air/apart=5",
      'weir/air={"t":1763890000123,"a":3,"c":4}',
    ]);
  });

  it("keeps objects of another QoS or retain apart", async () => {
    const object = { format: "object", topic: "{prefix}/{device}" } as const;
    const at = bench({ "*": object, kept: { ...object, retain: true } });
    await at.router.sink([reading("a", 1), reading("kept", 2), reading("b", 3)]);
    assert.deepEqual(at.accepted, [
      'weir/air={"t":1763890000123,"a":1,"b":3}',
      'weir/air={"t":1763890000123,"kept":2}',
    ]);
  });

  it("puts readings of one topic into one SenML pack, and says what SenML cannot", async () => {
    const at = bench({ "*": { format: "senml" } });
    const readings = [
      reading("a", 1),
      reading("a", 2, { time: 1_763_890_001_123 }),
      reading("b", 3),
      reading("c", Number.NaN),
    ];
    await at.router.sink(readings);
    assert.deepEqual(at.accepted, [
      'weir/air/a=[{"bn":"air/","bt":1763890000.123,"n":"a","v":1},{"n":"a","v":2,"t":1}]',
      'weir/air/b=[{"bn":"air/","bt":1763890000.123,"n":"b","v":3}]',
    ]);
    assert.deepEqual(
      at.journal.map((entry) => [entry.event, entry.at]),
      [["reading_unencodable", "air"]],
    );
  });

  it("counts what it does not report", async () => {
    const at = bench({ "*": { report: { on: "change", minInterval: 1000 } } });
    await at.router.sink([reading("a", 1), reading("a", 1), reading("b", 1), reading("b", 1), reading("b", 2)]);
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/b=1"]);
    const suppressed = at.journal.map(({ event, at: place, reason, count }) => [event, place, reason, count]);
    assert.deepEqual(suppressed, [
      ["reading_suppressed", "air", "unchanged", 2],
      ["reading_suppressed", "air", "held", 1],
    ]);
    await at.router.stop();
  });

  it("takes an empty batch", async () => {
    const at = bench({});
    await at.router.sink([]);
    assert.deepEqual(at.accepted, []);
  });
});

describe("router: what it refuses", () => {
  it("refuses a batch as a whole", async () => {
    const at = bench({ clash: { topic: "{prefix}/{device}/{resource}/set" }, wild: { topic: "{prefix}/+" } });
    const good = reading("a", 1);
    const bad: [Reading, string][] = [
      [reading("a", 1, { device: "nobody" }), "DEVICE_UNKNOWN"],
      [reading("status", 1), "RESOURCE_UNKNOWN"],
      [reading("a/set", 1), "RESOURCE_UNKNOWN"],
      [reading("#", 1), "RESOURCE_UNKNOWN"],
      [reading("", 1), "RESOURCE_UNKNOWN"],
      [reading("clash", 1), "CONFIG_INVALID"],
      [reading("wild", 1), "CONFIG_INVALID"],
      [reading("a", 1, { time: Number.NaN }), "PAYLOAD_INVALID"],
    ];
    for (const [one, expected] of bad) {
      await assert.rejects(at.router.sink([good, one]), code(expected), one.resource);
      await assert.rejects(at.router.sink([one, good]), code(expected), one.resource);
    }
    assert.deepEqual(at.accepted, []);
  });

  it("lets no resource collide with a command, a result or a status", async () => {
    const at = bench({});
    for (const name of ["set", "get", "exec", "result"]) await at.router.sink([reading(name, 1)]);
    assert.deepEqual(
      at.accepted,
      ["set", "get", "exec", "result"].map((name) => `weir/air/${name}=1`),
    );
    const gateway = { prefix: "weir", gateway: "plant" };
    const problem = (name: string, policy: Partial<ResourcePolicy>, device = "air") =>
      resourceProblem(gateway, device, name, { ...EVERY, ...policy });
    assert.match(problem("a", { topic: "{prefix}/{device}/{resource}/result" }) ?? "", /is one for result messages/);
    assert.match(problem("a", { topic: "{prefix}/{device}/status" }) ?? "", /is one for availability messages/);
    assert.match(problem("a", { topic: "{prefix}/$gateway/{gateway}/status" }) ?? "", /is one for gateway messages/);
    assert.match(problem("t", { format: "object" }) ?? "", /has a key "t" of its own/);
    assert.match(problem("a", { format: "senml" }, "-odd") ?? "", /begin with a letter or digit/);
    assert.equal(problem("t", {}), undefined);
  });

  it("bounds the resources that a device may name", async () => {
    const at = bench({}, { maxResources: 2 });
    await at.router.sink([reading("a", 1), reading("b", 1)]);
    await assert.rejects(at.router.sink([reading("c", 1)]), code("RESOURCE_UNKNOWN"));
    await at.router.sink([reading("b", 2)]);
    assert.equal(at.accepted.length, 3);
  });

  it("waits for every message, and passes on why one was refused", async () => {
    const at = bench({});
    at.gate = (message) => (message.topic.endsWith("/b") ? full() : undefined);
    await assert.rejects(at.router.sink([reading("a", 1), reading("b", 1), reading("c", 1)]), code("OUTBOX_FULL"));
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/c=1"]);
  });

  it("takes nothing after it was stopped", async () => {
    const at = bench({});
    await at.router.stop();
    await assert.rejects(at.router.sink([reading("a", 1)]), code("CLOSED"));
  });
});

describe("router: reports count only once accepted", () => {
  const rule = { report: { on: "change", deadband: { absolute: 1 } } } as const;

  it("reports a repeat of what was refused", async () => {
    const at = bench({ "*": rule });
    await at.router.sink([reading("a", 20), reading("b", 1)]);
    at.gate = (message) => (message.topic.endsWith("/b") ? full() : undefined);
    await assert.rejects(at.router.sink([reading("a", 30), reading("b", 5)]), code("OUTBOX_FULL"));
    at.gate = () => {};
    await at.router.sink([reading("a", 30), reading("b", 5)]);
    assert.deepEqual(at.accepted.slice(2), ["weir/air/a=30", "weir/air/a=30", "weir/air/b=5"]);
    await at.router.sink([reading("a", 30), reading("b", 5)]);
    assert.equal(at.accepted.length, 5);
  });

  it("suppresses nothing against a report that is still on its way", async () => {
    const at = bench({ "*": rule });
    await at.router.sink([reading("a", 20)]);
    let refuse: (error: Error) => void = () => {};
    at.gate = () =>
      new Promise((_resolve, reject) => {
        refuse = reject;
      });
    const first = at.router.sink([reading("a", 30)]);
    await settled();
    at.gate = () => {};
    // Within the band of 30, and within that of 20 the next: neither is certain yet.
    await at.router.sink([reading("a", 30.5)]);
    await at.router.sink([reading("a", 30.6)]);
    refuse(new WeirError("OUTBOX_FULL", "full"));
    await assert.rejects(first, code("OUTBOX_FULL"));
    assert.deepEqual(at.accepted, ["weir/air/a=20", "weir/air/a=30.5", "weir/air/a=30.6"]);
    await at.router.sink([reading("a", 30.7)]);
    assert.equal(at.accepted.length, 3, "all is settled: 30.6 is known");
  });

  it("is not put back by an older report that is accepted late", async () => {
    const at = bench({ "*": rule });
    let open: () => void = () => {};
    at.gate = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const first = at.router.sink([reading("a", 30)]);
    await settled();
    at.gate = () => {};
    await at.router.sink([reading("a", 40)]);
    open();
    await first;
    await at.router.sink([reading("a", 40)]);
    assert.deepEqual(at.accepted, ["weir/air/a=40", "weir/air/a=30"]);
  });

  it("whatever is refused and however batches overlap, what was acknowledged is known within the band", async () => {
    const step = fc.record({
      value: fc.integer({ min: 0, max: 8 }),
      refused: fc.boolean(),
      turns: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const at = bench({ "*": rule });
        let told: number | undefined;
        let acknowledged: number | undefined;
        let tail: Promise<void> = Promise.resolve();
        const sinks: Promise<void>[] = [];
        for (const { value, refused, turns } of steps) {
          // As an outbox does it: one outcome after the other, each in its own time.
          at.gate = () => {
            const mine = tail.then(async () => {
              for (let turn = 0; turn < 3; turn++) await Promise.resolve();
              if (refused) full();
              told = value;
            });
            tail = mine.catch(() => {});
            return mine;
          };
          const taken = at.router.sink([reading("a", value)]).then(() => {
            acknowledged = value;
          });
          sinks.push(taken.catch(() => {}));
          for (let turn = 0; turn < turns * 3; turn++) await Promise.resolve();
        }
        await Promise.all(sinks);
        if (acknowledged !== undefined) assert.ok(told !== undefined && Math.abs(told - acknowledged) <= 1);
      }),
      { numRuns: 300 },
    );
  });
});

describe("router: what time brings", () => {
  it("sends the latest held reading when the interval ends", async () => {
    const at = bench({ "*": { report: { on: "change", minInterval: 1000 } } });
    await at.router.sink([reading("a", 1)]);
    await at.clock.advance(300);
    await at.router.sink([reading("a", 2)]);
    await at.clock.advance(300);
    await at.router.sink([reading("a", 3)]);
    await at.clock.advance(399);
    assert.deepEqual(at.accepted, ["weir/air/a=1"]);
    await at.clock.advance(1);
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/a=3"]);
    await at.clock.advance(10_000);
    assert.equal(at.accepted.length, 2);
    assert.equal(at.clock.timers, 0);
  });

  it("repeats the latest reading as a heartbeat, with the time it was measured at", async () => {
    const at = bench({ "*": { format: "json", report: { on: "change", heartbeat: 60_000 } } });
    await at.router.sink([reading("a", 1)]);
    await at.clock.advance(150_000);
    assert.deepEqual(at.accepted, Array(3).fill('weir/air/a={"v":1,"t":1763890000123,"q":"good"}'));
    await at.router.stop();
    assert.equal(at.clock.timers, 0);
  });

  it("an interval that ends before the heartbeat is not kept waiting by it", async () => {
    const at = bench({ "*": { report: { on: "change", heartbeat: 60_000, minInterval: 1000 } } });
    await at.router.sink([reading("a", 1)]);
    await at.router.sink([reading("a", 2)]);
    await at.clock.advance(1000);
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/a=2"]);
    await at.router.stop();
  });

  it("has no heartbeat for a device that fell silent, until it speaks again", async () => {
    const at = bench({ "*": { report: { on: "change", heartbeat: 60_000 } } }, { stale: 100_000 });
    await at.router.sink([reading("a", 1)]);
    await at.clock.advance(1_000_000);
    assert.equal(at.accepted.length, 2, "one at 60 s, none at 120 s");
    await at.router.sink([reading("a", 1)]);
    assert.equal(at.accepted.length, 3);
    await at.clock.advance(60_000);
    assert.equal(at.accepted.length, 4);
    await at.router.stop();
  });

  it("gives a device its heartbeats back when any resource of it speaks again", async () => {
    const at = bench({ a: { report: { on: "change", heartbeat: 60_000 } } }, { stale: 100_000 });
    await at.router.sink([reading("a", 1)]);
    await at.clock.advance(50_000);
    await at.router.sink([reading("b", 1)]);
    await at.clock.advance(90_000);
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/b=1", "weir/air/a=1", "weir/air/a=1"]);
    await at.clock.advance(1_000_000);
    assert.equal(at.accepted.length, 4);
    await at.router.sink([reading("b", 2)]);
    await at.clock.advance(0);
    assert.deepEqual(at.accepted.slice(4), ["weir/air/b=2", "weir/air/a=1"]);
    await at.router.stop();
    assert.equal(at.clock.timers, 0);
  });

  it("tries a refused heartbeat again, not in a loop", async () => {
    const at = bench({ "*": { report: { on: "change", heartbeat: 60_000 } } });
    await at.router.sink([reading("a", 1)]);
    let tries = 0;
    at.gate = () => {
      tries++;
      full();
    };
    await at.clock.advance(64_500);
    assert.equal(tries, 5);
    assert.ok(at.journal.every((entry) => entry.event === "report_refused" && entry.message.includes("again")));
    at.gate = () => {};
    await at.clock.advance(500);
    assert.equal(at.accepted.length, 2);
    await at.router.stop();
  });

  it("sends what is held when it is stopped, also of a batch still on its way", async () => {
    const at = bench({ "*": { report: { on: "change", minInterval: 10_000 } }, b: {} });
    await at.router.sink([reading("a", 1), reading("b", 1)]);
    let open: () => void = () => {};
    at.gate = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const last = at.router.sink([reading("a", 2), reading("b", 2)]);
    const stopping = at.router.stop();
    await settled();
    at.gate = () => {};
    open();
    await Promise.all([last, stopping]);
    assert.deepEqual(at.accepted, ["weir/air/a=1", "weir/air/b=1", "weir/air/b=2", "weir/air/a=2"]);
    assert.equal(at.clock.timers, 0);
  });

  it("stops although the last messages are refused, and says so", async () => {
    const at = bench({ "*": { report: { on: "change", minInterval: 10_000 } } });
    await at.router.sink([reading("a", 1)]);
    await at.router.sink([reading("a", 2)]);
    at.gate = full;
    await at.router.stop();
    assert.ok(at.journal.some((entry) => entry.event === "report_refused" && entry.message.includes("lost")));
  });
});
