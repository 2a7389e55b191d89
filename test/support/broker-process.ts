import { fork } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { openBroker } from "../../src/broker/broker.js";
import type { Limits } from "../../src/broker/limits.js";
import { brokerOptions, tcp, usualLimits } from "./broker.js";

/** A broker alone in a process: what it takes of memory is what the attack makes it take. */
export interface BrokerProcess {
  readonly port: number;
  /** Bytes, once nothing unused is counted: on the heap and in buffers. */
  used(): Promise<number>;
  /** The most that the process ever took, in bytes. */
  peak(): Promise<number>;
  /** How often an event was journalled. */
  events(event: string): Promise<number>;
}

type Ask = { readonly ask: "used" | "peak" } | { readonly ask: "events"; readonly event: string };

export async function startBrokerProcess(t: TestContext, limits: Partial<Limits> = {}): Promise<BrokerProcess> {
  const child = fork(fileURLToPath(import.meta.url), ["broker", JSON.stringify(limits)], { execArgv: ["--expose-gc"] });
  t.after(async () => {
    const ended = child.exitCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await ended;
  });
  const ask = async (what: Ask): Promise<number> => {
    const answer = once(child, "message", { signal: AbortSignal.timeout(20_000) });
    child.send(what);
    return ((await answer) as [number])[0];
  };
  const [port] = (await once(child, "message")) as [number];
  return {
    port,
    used: () => ask({ ask: "used" }),
    peak: () => ask({ ask: "peak" }),
    events: (event) => ask({ ask: "events", event }),
  };
}

/** Buffers are given back only after the collection that finds that nobody needs them. */
async function settledMemory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function serve(limits: Partial<Limits>): Promise<void> {
  const events = new Map<string, number>();
  const broker = await openBroker({
    ...brokerOptions(),
    journal: ({ event }) => void events.set(event, (events.get(event) ?? 0) + 1),
    limits: { ...usualLimits, ...limits },
  });
  process.on("message", (what: Ask) => {
    if (what.ask === "events") process.send?.(events.get(what.event) ?? 0);
    else if (what.ask === "peak") process.send?.(process.resourceUsage().maxRSS * 1024);
    else void settledMemory().then((used) => process.send?.(used));
  });
  const [url = ""] = await broker.listen([tcp()]);
  process.send?.(Number(new URL(url).port));
}

if (process.argv[2] === "broker" && process.send !== undefined) await serve(JSON.parse(process.argv[3] ?? "{}"));
