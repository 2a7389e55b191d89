/** Commands that come down from a broker which sends again what was not acknowledged, to a gateway that is killed at any moment. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Session } from "../../../src/core/adapter.js";
import { createDispatcher, createDownlink, openCommandLog } from "../../../src/router/index.js";
import { Disk } from "../outbox/log/disk.js";
import { type FakeClock, fakeClock } from "./clock.js";

/** What outlives a gateway: the device, the broker on the far side, and the disk. */
interface World {
  readonly disk: Disk;
  readonly clock: FakeClock;
  /** How often each id was carried out. */
  readonly carriedOut: Map<string, number>;
  /** What is not acknowledged yet. */
  readonly queue: Set<string>;
  /** What was published for each id, the outcome's code. */
  readonly published: Map<string, string[]>;
}

interface Life {
  send(id: string): void;
  /** As kill -9, or a power cut where `chance` is given. */
  end(chance?: () => number): Promise<void>;
}

/** A moment of the gateway's, a few turns of the event loop long. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
}

async function start(world: World, takes: number, opening: boolean): Promise<Life> {
  const { disk, clock, carriedOut, queue, published } = world;
  const timers = fakeClock();
  let alive = true;
  let isOpening = opening;
  const session: Session = {
    closed: new Promise(() => {}),
    execute: async ({ id }) => {
      await turns(takes);
      if (!alive) return undefined;
      carriedOut.set(id, (carriedOut.get(id) ?? 0) + 1);
      await turns(takes);
      return Number(id);
    },
    close: async () => {},
  };
  const journal = (): void => {};
  const ticks = (): number => 0;
  const log = await openCommandLog({
    ...{ folder: "/c", ticks, journal, bankBytes: 8192, retry: 3_600_000 },
    files: disk.files(),
  });
  const sessionOf = (): Session | "opening" => (isOpening ? "opening" : session);
  const dispatcher = createDispatcher({ sessionOf, now: clock.now, ticks, setTimer: timers.setTimer, journal, log });
  const downlink = createDownlink({
    ...{ prefix: "weir", dispatcher, log, journal, now: clock.now },
    hasDevice: () => true,
    resourceType: () => "number",
    accept: async ({ payload }) => {
      await turns(1);
      if (!alive) throw new Error("killed");
      const result = JSON.parse(Buffer.from(payload).toString());
      published.set(result.id, [...(published.get(result.id) ?? []), result.code ?? `ok ${result.value}`]);
      await turns(1);
    },
  });
  const send = (id: string): void => {
    const payload = Buffer.from(JSON.stringify({ id, value: 1, timeout: "1h" }));
    const message = { topic: "weir/air/fan/set", payload, qos: 1, retain: false } as const;
    void downlink.handle(message, { from: "bridge", bridge: "up" }).then(() => {
      if (alive) queue.delete(id);
    });
  };
  downlink.resume();
  for (const id of queue) send(id);
  if (opening) {
    void turns(takes * 3).then(() => {
      isOpening = false;
      dispatcher.wake(["air"]);
    });
  }
  return {
    send: (id) => {
      queue.add(id);
      send(id);
    },
    end: async (chance) => {
      alive = false;
      if (chance === undefined) disk.kill();
      else disk.pullPlug(chance);
      await log.close();
    },
  };
}

const round = fc.record({
  sends: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
  /** Turns of the event loop until it is killed. */
  lives: fc.integer({ min: 0, max: 60 }),
  takes: fc.integer({ min: 0, max: 6 }),
  opening: fc.boolean(),
  power: fc.option(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 7 }), {
    nil: undefined,
  }),
});

test("no id is carried out twice, each gets one outcome at least and all of an id are the same", async () => {
  let interrupted = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (rounds) => {
      const world: World = {
        disk: new Disk(),
        clock: fakeClock(),
        carriedOut: new Map(),
        queue: new Set(),
        published: new Map(),
      };
      const sent = new Set<string>();
      for (const { sends, lives, takes, opening, power } of rounds) {
        const life = await start(world, takes, opening);
        for (const id of sends) {
          sent.add(`${id}`);
          life.send(`${id}`);
          await turns(id);
        }
        await turns(lives);
        let next = 0;
        await life.end(power && (() => power[next++ % power.length] ?? 0));
      }
      const last = await start(world, 0, false);
      await turns(400);
      await last.end();
      assert.equal(world.queue.size, 0, "all is acknowledged");
      for (const id of sent) {
        const [first, ...more] = world.published.get(id) ?? [];
        assert.ok(first, `${id} has no outcome`);
        for (const other of more) assert.equal(other, first, `${id}: another outcome`);
        const times = world.carriedOut.get(id) ?? 0;
        if (first === `ok ${id}`) assert.equal(times, 1, `${id}: was carried out ${times} times`);
        else assert.equal(first, "COMMAND_INTERRUPTED");
        assert.ok(times <= 1, `${id}: was carried out ${times} times`);
        if (first === "COMMAND_INTERRUPTED") interrupted += 1;
        else done += 1;
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(interrupted > 20 && done > 100, `${interrupted} interrupted, ${done} done: it does not try what it should`);
});
