import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bridge, openBridge } from "./bridge/bridge.js";
import { readCredentials } from "./bridge/connection/credentials.js";
import { memorySessionStore } from "./bridge/session/memory.js";
import type { SessionStore } from "./bridge/session/session.js";
import { openSessionStore } from "./bridge/session/store.js";
import { pauseAfterFailure } from "./bridge/upstream/backoff.js";
import type { BridgeConfig } from "./config/index.js";
import type { Journal } from "./core/journal.js";
import type { Accept } from "./core/message.js";
import { formatTopic } from "./core/topics.js";
import { openDurableOutbox } from "./outbox/log/open.js";
import { MemoryOutbox } from "./outbox/memory.js";
import type { Depth, Outbox } from "./outbox/outbox.js";
import type { Plan } from "./plan.js";

export interface UplinkParts {
  readonly plan: Plan;
  readonly accept: Accept;
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Whether `now` can be believed. */
  readonly trusted: () => boolean;
  /** Called whenever it is connected. */
  readonly onUp: () => void;
}

/** What waits in all outboxes of a bridge. */
export interface OutboxStatus extends Depth {
  /** Why nothing can be stored, if it cannot. */
  readonly fault: string | undefined;
}

export interface Uplink extends Bridge {
  readonly id: string;
  readonly outbox: OutboxStatus;
}

type OwnedOutbox = Outbox & { readonly state?: { readonly fault: string | undefined }; close(): Promise<void> };

/** Opens a bridge with all that it stands on: its outboxes, and the memory of its sessions. Closing it closes those too. */
export async function openUplink(settings: BridgeConfig, parts: UplinkParts): Promise<Uplink> {
  const { plan, accept, journal, now, onUp } = parts;
  const { id: gateway, prefix, state } = plan.config.gateway;
  const { id, rules, backoff } = settings;
  const folder = join(state, "bridge", id);
  const opened: { close(): Promise<unknown> }[] = [];
  const close = async (): Promise<void> => {
    for (const each of opened.reverse()) await each.close();
  };
  try {
    // Said at once where the operator still looks; what is renewed later is read again by itself.
    await readCredentials(settings);
    const normal = await openOutbox(settings, join(state, "outbox", id), parts);
    opened.push(normal);
    const high = rules.some(({ priority }) => priority === "high")
      ? await openOutbox(settings, join(folder, "high"), parts)
      : undefined;
    if (high) opened.push(high);
    const store = await openStore(settings, folder, [normal, high], journal);
    opened.push(store);
    const bridge = openBridge({
      ...settings,
      gateway,
      outboxes: high ? [normal, high] : [normal],
      store,
      refused: join(folder, "refused.jsonl"),
      deliver: (message) => accept(message, { from: "bridge", bridge: id }),
      statusTopic: formatTopic(prefix, { kind: "gateway", gateway }),
      probeTopic: formatTopic(prefix, { kind: "probe", gateway }),
      journal,
      now,
      onUp,
      pause: (failures) => pauseAfterFailure(backoff, failures, Math.random()),
    });
    return {
      id,
      get state() {
        return bridge.state;
      },
      get outbox() {
        return statusOf(high ? [high, normal] : [normal]);
      },
      check: bridge.check,
      offer: bridge.offer,
      announce: bridge.announce,
      close: async (patience) => {
        await bridge.close(patience);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function statusOf(outboxes: readonly OwnedOutbox[]): OutboxStatus {
  const depths = outboxes.map(({ depth }) => depth);
  const sum = (of: (depth: Depth) => number): number => depths.reduce((total, depth) => total + of(depth), 0);
  const ages = depths.flatMap(({ oldest }) => oldest ?? []);
  return {
    messages: sum(({ messages }) => messages),
    bytes: sum(({ bytes }) => bytes),
    oldest: ages.length === 0 ? undefined : Math.min(...ages),
    fault: outboxes.find(({ state }) => state?.fault !== undefined)?.state?.fault,
  };
}

async function openOutbox(
  { id, outbox }: BridgeConfig,
  folder: string,
  { journal, now, trusted }: UplinkParts,
): Promise<OwnedOutbox> {
  const { durability, ...bounds } = outbox;
  const time = (): number | undefined => (trusted() ? now() : undefined);
  if (durability !== "memory") return openDurableOutbox({ ...bounds, durability, id, folder, journal, now: time });
  return Object.assign(new MemoryOutbox({ ...bounds, id, journal, now: time }), { close: async () => {} });
}

function openStore(
  { id, outbox, rules }: BridgeConfig,
  folder: string,
  [normal, high]: readonly [Outbox, Outbox | undefined],
  journal: Journal,
): Promise<SessionStore> {
  if (outbox.durability === "memory") return Promise.resolve(memorySessionStore());
  // Where a power cut may take back what was sent already, sequences are given again, and the state of the old ones must not count.
  const takesBack =
    outbox.durability !== "commit" || rules.some(({ durability = "commit" }) => durability !== "commit");
  const life = takesBack ? bootId() : "";
  return openSessionStore({
    folder: join(folder, "session"),
    id,
    epochs: [`${normal.epoch}${life}`, `${high?.epoch ?? ""}${life}`],
    settled: [normal.settled, high?.settled ?? 0],
    // What is acknowledged to a device only when it is on the medium is noted with the same care.
    syncs: outbox.durability === "commit",
    journal,
  });
}

/** Another one after each start of the machine; empty where the system has none. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
