import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate } from "../../test/support/peers.js";
import { buildLoad } from "../load.js";
import type { Bench } from "../report.js";
import { outage } from "./outage.js";
import { throughput } from "./throughput.js";
import { wire } from "./wire.js";

/** The way up, side by side with mosquitto's bridge to the same upstream. docs/benchmarks.md says what the rows mean. */
export const bridge: Bench = {
  about: "throughput, CPU, outage and bytes of the bridge; peer: mosquitto's bridge; --full: ten million messages too",
  async run(say, { full }) {
    const mosquitto = locate("mosquitto");
    if (mosquitto === undefined)
      throw new Error("mosquitto is the upstream and the peer of this benchmark, and is missing: npm run setup:peers");
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
    try {
      const setup = { folder, mosquitto, mqttload: await buildLoad(folder), say };
      return [
        ...(await wire(setup, { readings: 10_000 })),
        ...(await throughput(
          setup,
          full ? { saturated: 10, paced: 30, runs: 5 } : { saturated: 3, paced: 6, runs: 3 },
        )),
        ...(await outage(setup, { beside: 1_000_000, alone: full ? 10_000_000 : 0 })),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
