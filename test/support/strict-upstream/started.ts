import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { seeded } from "../random.js";
import { owned, tail } from "./ledger.js";
import { openStrictUpstream, type StrictOptions } from "./server.js";
import type { Application, Entry } from "./session.js";

export interface StartedUpstream {
  readonly port: number;
  readonly url: string;
  /** All that is in the ledger so far. */
  entries(): readonly Entry[];
  /** What it took so far, in that order, without what gateways say about themselves. */
  taken(): Application[];
  violations(): readonly Entry[];
  /** As `kill -9` would end it: what it took is in the ledger. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface StartedOptions extends Partial<Omit<StrictOptions, "ledger" | "random">> {
  /** Left out, it runs from the beginning. */
  readonly stopped?: boolean;
}

/** A strict upstream in the test's own process, that ends with the test. */
export async function startStrictUpstream(t: TestContext, options: StartedOptions = {}): Promise<StartedUpstream> {
  const folder = mkdtempSync(join(tmpdir(), "weir-strict-"));
  const ledger = join(folder, "ledger");
  const { stopped = false, ...given } = options;
  const settings = { method: "B" as const, delay: 0, receiveMaximum: undefined, random: seeded(1), ledger, ...given };
  const first = await openStrictUpstream({ ...settings, port: options.port ?? 0 });
  const { port } = first;
  let running: { close(): Promise<void> } | undefined = first;
  const reader = tail(ledger);
  const entries: Entry[] = [];
  const read = (): readonly Entry[] => {
    entries.push(...reader.read());
    return entries;
  };
  const stop = async (): Promise<void> => {
    await running?.close();
    running = undefined;
  };
  if (stopped) await stop();
  t.after(async () => {
    await stop();
    reader.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    entries: read,
    taken: () => owned(read()).filter(({ topic }) => !topic.includes("$gateway")),
    violations: () => read().filter(({ at }) => at === "violation"),
    stop,
    start: async () => {
      running ??= await openStrictUpstream({ ...settings, port });
    },
  };
}
