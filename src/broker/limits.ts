import { performance } from "node:perf_hooks";
import type { LimitsConfig, QueueConfig } from "../config/index.js";

/** What a broker grants its clients: `broker.limits` and `broker.queue` of the configuration. Sizes in bytes, durations in ms. */
export interface Limits extends LimitsConfig {
  /** What waits for one client. */
  readonly queue: QueueConfig;
}

/** ms since the Unix epoch by a clock that is not set while the process runs: a message does not expire because the clock was. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
