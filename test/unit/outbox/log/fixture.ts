import { setImmediate } from "node:timers/promises";
import type { Entry as JournalEntry } from "../../../../src/core/journal.js";
import type { Message, Qos } from "../../../../src/core/message.js";
import { openDurableOutbox } from "../../../../src/outbox/log/open.js";
import type { DurableOutbox, DurableOutboxOptions } from "../../../../src/outbox/log/options.js";
import type { Entry } from "../../../../src/outbox/outbox.js";
import { Disk } from "./disk.js";

const PATIENCE = 20_000; // ms

export interface Opened {
  readonly outbox: DurableOutbox;
  readonly journal: JournalEntry[];
  readonly disk: Disk;
}

/** An outbox on a simulated disk. */
export async function open(options: Partial<DurableOutboxOptions> = {}, disk = new Disk()): Promise<Opened> {
  const journal: JournalEntry[] = [];
  const outbox = await openDurableOutbox({
    id: "up",
    folder: "/log",
    maxMessages: 1e6,
    maxBytes: 1e9,
    whenFull: "refuse",
    durability: "commit",
    interval: 1000,
    retry: 1,
    journal: (entry) => journal.push(entry),
    now: () => 7,
    files: disk.files(),
    ...options,
  });
  return { outbox, journal, disk };
}

export function message(text: string, qos: Qos = 1, size = 0): Message {
  return { topic: `t/${text}`, payload: Buffer.from(text.padEnd(size, ".")), qos, retain: false };
}

export function textOf(entry: Entry): string {
  return Buffer.from(entry.message.payload).toString().replace(/\.+$/, "");
}

/** Takes until nothing waits any more: all that is in the log, save `taken` that were taken before. */
export async function drain(outbox: DurableOutbox, taken = 0): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const end = Date.now() + PATIENCE; ; ) {
    for (let entry = outbox.take(); entry !== undefined; entry = outbox.take()) entries.push(entry);
    if (entries.length + taken >= outbox.depth.messages) return entries;
    if (Date.now() > end) throw new Error(`waited in vain: ${entries.length} of ${outbox.depth.messages} were taken`);
    // What is read from disk is there after some turns of the event loop.
    await setImmediate();
  }
}

export function counted(journal: readonly JournalEntry[], event: string, reason?: string): number {
  const matching = journal.filter(
    (entry) => entry.event === event && (reason === undefined || entry.reason === reason),
  );
  return matching.reduce((sum, { count = 1 }) => sum + count, 0);
}
