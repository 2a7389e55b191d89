import type { LinkContext } from "../../../../src/core/adapter.js";
import type { Command } from "../../../../src/core/command.js";
import { WeirError } from "../../../../src/core/errors.js";
import type { Entry } from "../../../../src/core/journal.js";
import type { Reading } from "../../../../src/core/reading.js";
import type { Decoded, EncodedCommand, Poll, Profile, SerialCodec } from "../../../../src/profile/index.js";
import { createFramer } from "../../../../src/protocols/framing/framing.js";

/** Keeps what was pushed and lets a test wait for it: no sleeps. */
export interface Collected<Item> {
  readonly items: Item[];
  push(item: Item): void;
  /** Resolves with the first item, past or to come, that fits. */
  first(fits: (item: Item) => boolean): Promise<Item>;
  /** Resolves when there are so many. */
  count(count: number): Promise<Item[]>;
}

export function collect<Item>(): Collected<Item> {
  const items: Item[] = [];
  const watchers = new Set<() => void>();
  const until = <Value>(look: () => Value | undefined) =>
    new Promise<Value>((resolve) => {
      const watcher = () => {
        const value = look();
        if (value === undefined) return;
        watchers.delete(watcher);
        resolve(value);
      };
      watchers.add(watcher);
      watcher();
    });
  return {
    items,
    push: (item) => {
      items.push(item);
      for (const watcher of [...watchers]) watcher();
    },
    first: (fits) => until(() => items.find(fits)),
    count: (count) => until(() => (items.length >= count ? items : undefined)),
  };
}

export interface TestContext extends LinkContext {
  readonly readings: Collected<Reading>;
  readonly entries: Collected<Entry>;
  readonly stop: AbortController;
  /** In place of taking the readings at once. */
  gate: ((readings: readonly Reading[]) => Promise<void>) | undefined;
}

export function testContext(): TestContext {
  const readings = collect<Reading>();
  const entries = collect<Entry>();
  const stop = new AbortController();
  const context: TestContext = {
    readings,
    entries,
    stop,
    gate: undefined,
    signal: stop.signal,
    journal: (entry) => entries.push(entry),
    now: () => 1_700_000_000_000,
    sink: async (taken) => {
      await context.gate?.(taken);
      for (const reading of taken) readings.push(reading);
    },
  };
  return context;
}

/**
 * A codec of lines `name=number`, several in one line parted by commas. The message is `ack` for `OK`, `bad` for `BAD`,
 * else `values`. `level` is written with `SET n` and acknowledged with `OK`; `reset` is executed and has no answer.
 */
export function lineCodec(polls: readonly Poll[] = []): SerialCodec {
  return {
    line: { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
    framer: () => createFramer({ kind: "line", delimiter: bytes("\n"), max: 64 }),
    decode,
    polls,
    encode: (resource, action, value): EncodedCommand => {
      if (resource === "level" && action === "write")
        return { request: bytes(`SET ${value}\n`), answers: ["ack"], timeout: 200 };
      if (resource === "reset" && action === "execute") return { request: bytes("RESET\n"), answers: [], timeout: 200 };
      throw new WeirError("ACTION_UNSUPPORTED", `${resource} cannot ${action}`);
    },
  };
}

function decode(frame: Uint8Array): Decoded {
  const text = Buffer.from(frame).toString("latin1");
  if (text === "OK") return { kind: "values", message: "ack", values: [] };
  if (text === "BAD") return { kind: "bad", message: "ack", reason: "it is bad" };
  const values = [];
  for (const part of text.split(",")) {
    const [resource = "", value = ""] = part.split("=");
    if (!/^[a-z]+$/.test(resource) || value === "") return { kind: "unmatched" };
    if (value === "none") values.push({ resource, value: 0, quality: "bad" as const });
    else values.push({ resource, value: Number(value), quality: "good" as const, unit: "Cel" });
  }
  return { kind: "values", message: "values", values };
}

export const lineProfile: Profile = {
  name: "test/line",
  vendor: "test",
  model: "line",
  resources: new Map([
    ["temperature", { type: "number", access: "R" }],
    ["humidity", { type: "number", access: "R" }],
    ["level", { type: "number", access: "RW" }],
    ["reset", { type: "boolean", access: "E" }],
  ]),
  // Only looked at for being there: the codec of these tests is the one above.
  serial: {} as NonNullable<Profile["serial"]>,
  samples: [],
};

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export function command(action: Command["action"], resource: string, more: Partial<Command> = {}): Command {
  return { id: "1", device: "air", resource, action, deadline: 1_700_000_005_000, ...more };
}

export function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof WeirError && error.code === code;
}
