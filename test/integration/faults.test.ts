/** A short run of the harness on each protocol: the promise of the bridge. `npm run test:faults` runs longer. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { USUAL } from "../faults/plan.js";
import { failures, summarize, table } from "../faults/report.js";
import { run } from "../faults/run.js";

for (const protocol of [4, 5] as const) {
  test(`MQTT version ${protocol}: kills and cuts in any order lose nothing, and at QoS 2 nothing arrives twice`, async () => {
    const seed = 20 + protocol;
    const words: string[] = [];
    const result = await run({
      seed,
      seconds: 7,
      upstream: "strict",
      faults: USUAL,
      protocol,
      qos: [0, 1, 2],
      rate: 80,
      patience: 60,
      say: (line) => words.push(line),
    });
    const summary = summarize(seed, [result]);
    const story = `${words.join("\n")}\n${table(summary)}\nlogs and ledger: ${result.folder}`;
    assert.deepEqual(failures(summary), [], story);
    assert.deepEqual(result.violations, [], story);
    assert.equal(result.tallies[1].reordered + result.tallies[2].reordered, 0, story);
    rmSync(result.folder, { recursive: true });
  });
}
