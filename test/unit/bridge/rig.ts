import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Bridge, type BridgeOptions, openBridge } from "../../../src/bridge/bridge.js";
import { memorySessionStore } from "../../../src/bridge/session/memory.js";
import type { Entry as JournalEntry } from "../../../src/core/journal.js";
import type { Message } from "../../../src/core/message.js";
import { MemoryOutbox, type MemoryOutboxOptions } from "../../../src/outbox/memory.js";

export const message = (topic: string, payload: string, rest: Partial<Message> = {}): Message => ({
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  ...rest,
});

export interface Rig {
  readonly bridge: Bridge;
  readonly outbox: MemoryOutbox;
  readonly delivered: Message[];
  readonly journal: JournalEntry[];
  /** Its refused.jsonl is there. */
  readonly folder: string;
}

export const USUAL = { retain: "keep", priority: "normal", qos0: "queue" } as const;

export const OUT_ONLY: BridgeOptions["rules"] = [
  { direction: "out", filter: "#", localPrefix: "weir/", remotePrefix: "site/", ...USUAL },
];

export function memoryOutbox(options: Partial<MemoryOutboxOptions> = {}): MemoryOutbox {
  return new MemoryOutbox({
    id: "up",
    maxMessages: 10_000,
    maxBytes: 1e9,
    whenFull: "refuse",
    journal: () => {},
    now: Date.now,
    ...options,
  });
}

/** A bridge to the first of these, as tcp:// or mqtt://, with an outbox in memory. */
export function rig(
  t: TestContext,
  broker: { readonly urls: readonly string[] },
  options: Partial<BridgeOptions> = {},
): Rig {
  const journal: JournalEntry[] = [];
  const delivered: Message[] = [];
  const note = (entry: JournalEntry): void => void journal.push(entry);
  const outbox = memoryOutbox({ journal: note });
  const folder = mkdtempSync(join(tmpdir(), "weir-bridge-"));
  const bridge = openBridge({
    id: "up",
    gateway: "g",
    servers: [(broker.urls[0] ?? "").replace("tcp:", "mqtt:")],
    preferred: "first",
    failback: 60_000,
    clientId: "gateway",
    protocol: 4,
    keepAlive: 30_000,
    timeout: 1_000,
    clean: false,
    window: 10,
    topicAliases: 16,
    messageId: "none",
    rules: [
      { direction: "out", filter: "#", localPrefix: "weir/", remotePrefix: "site/", ...USUAL },
      { direction: "in", filter: "+/+/set", localPrefix: "weir/", remotePrefix: "site/", ...USUAL },
    ],
    outboxes: [outbox],
    store: memorySessionStore(),
    refused: join(folder, "refused.jsonl"),
    deliver: async (m) => void delivered.push(m),
    statusTopic: "weir/$gateway/g/status",
    probeTopic: "weir/$gateway/g/probe",
    journal: note,
    now: Date.now,
    pause: () => 20,
    ...options,
  });
  t.after(async () => {
    await bridge.close(0);
    rmSync(folder, { recursive: true });
  });
  return { bridge, outbox, delivered, journal, folder };
}
