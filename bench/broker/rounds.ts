import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Broker, Running, Setup } from "./brokers.js";

/** What the runs of a broker gave, in their order. */
export interface Series<Result> {
  readonly broker: string;
  readonly results: readonly Result[];
}

/**
 * Measures each broker so often, one at a time and each run with a process of its own. Who comes first changes from round to
 * round, so that what else the machine does falls on all.
 */
export async function inRounds<Result>(
  setup: Setup,
  brokers: readonly Broker[],
  rounds: number,
  measure: (broker: Broker, subject: Running, round: number) => Promise<Result>,
): Promise<Series<Result>[]> {
  const series = brokers.map(({ name }) => ({ broker: name, results: [] as Result[] }));
  for (let round = 0; round < rounds; round += 1)
    for (const broker of rotated(brokers, round)) {
      const result = await withBroker(setup, broker, (subject) => measure(broker, subject, round + 1));
      series[brokers.indexOf(broker)]?.results.push(result);
    }
  return series;
}

/** The list from another place on, and then from its beginning. */
export function rotated<Item>(list: readonly Item[], by: number): Item[] {
  const from = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

/** A broker for as long as this takes. What it wrote is gone then: a durable one fills disks. */
export async function withBroker<Result>(
  setup: Setup,
  broker: Broker,
  use: (subject: Running) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(setup.folder, "broker-"));
  try {
    const subject = await broker.start(setup, folder);
    try {
      return await use(subject);
    } catch (error) {
      throw new Error(`${broker.name}: ${error instanceof Error ? error.message : error}\n${subject.said()}`, {
        cause: error,
      });
    } finally {
      await subject.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
