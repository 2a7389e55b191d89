import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Broker, Running, Setup } from "../../../../bench/broker/brokers.js";
import { inRounds, rotated } from "../../../../bench/broker/rounds.js";

async function setupIn(t: TestContext): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), "weir-rounds-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const cores: Setup["cores"] = {
    subject: (command) => command,
    load: (command) => command,
    used: undefined,
    about: "",
  };
  return { folder, mosquitto: "", mqttload: "", cores, say: () => {} };
}

/** A broker that is no process: it only writes down when it starts and stops. */
function noted(name: string, log: string[]): Broker {
  return {
    name,
    start: async (_setup, folder) => {
      log.push(`${name} starts`);
      await writeFile(join(folder, "state"), "");
      const stop = async (): Promise<void> => void log.push(`${name} stops`);
      return { port: 1, pid: 2, answeredMs: 3, saidMs: () => 3, said: () => `${name} said this`, stop } as Running;
    },
  };
}

test("brokers run one at a time, and another one is first in each round", async (t) => {
  const setup = await setupIn(t);
  const log: string[] = [];
  const brokers = [noted("a", log), noted("b", log)];
  const series = await inRounds(setup, brokers, 3, async ({ name }, _subject, round) => {
    log.push(`${name} runs`);
    return `${name}${round}`;
  });
  const once = (name: string): string[] => [`${name} starts`, `${name} runs`, `${name} stops`];
  assert.deepEqual(log, ["a", "b", "b", "a", "a", "b"].flatMap(once));
  assert.deepEqual(series, [
    { broker: "a", results: ["a1", "a2", "a3"] },
    { broker: "b", results: ["b1", "b2", "b3"] },
  ]);
  assert.deepEqual(await readdir(setup.folder), []);
});

test("a run that fails ends its broker and says which it was and what it had written", async (t) => {
  const setup = await setupIn(t);
  const log: string[] = [];
  const failing = inRounds(setup, [noted("a", log)], 1, async () => Promise.reject(new Error("refused")));
  await assert.rejects(failing, /^Error: a: refused\na said this$/);
  assert.deepEqual(log, ["a starts", "a stops"]);
  assert.deepEqual(await readdir(setup.folder), []);
});

test("a list is rotated by as much as its length allows", () => {
  assert.deepEqual(rotated([1, 2, 3], 0), [1, 2, 3]);
  assert.deepEqual(rotated([1, 2, 3], 1), [2, 3, 1]);
  assert.deepEqual(rotated([1, 2, 3], 5), [3, 1, 2]);
  assert.deepEqual(rotated([], 5), []);
});
