import type { Change, Range, SessionState, SessionStore } from "../../../../src/bridge/session/session.js";
import { openSessionStore, type SessionStoreOptions } from "../../../../src/bridge/session/store.js";
import type { Entry } from "../../../../src/core/journal.js";
import { Disk } from "../../outbox/log/disk.js";

export interface Opened {
  readonly store: SessionStore;
  readonly journal: Entry[];
  readonly disk: Disk;
}

/** A store on a simulated disk, with banks so small that they are soon full. */
export async function open(options: Partial<SessionStoreOptions> = {}, disk = new Disk()): Promise<Opened> {
  const journal: Entry[] = [];
  const store = await openSessionStore({
    id: "up",
    folder: "/session",
    epochs: ["a", "b"],
    settled: [0, 0],
    syncs: true,
    retry: 1,
    bankBytes: 2048,
    journal: (entry) => journal.push(entry),
    files: disk.files(),
    ...options,
  });
  return { store, journal, disk };
}

export function events(journal: readonly Entry[]): string[] {
  return journal.map(({ event }) => event);
}

export function handedOver(first: number, last = first, lane: 0 | 1 = 0): Change {
  return { kind: "handedOver", lane, first, last };
}

/** A state in a form that `deepEqual` compares, without what is about settled sequences only. */
export interface Plain {
  readonly handedOver: readonly (readonly number[])[];
  readonly parcels: readonly Range[];
  readonly received: readonly number[];
  readonly home: string | undefined;
  readonly clean: readonly string[];
}

/** What the changes make, each sequence by itself: slow and plain. */
export function modelOf(changes: readonly Change[], settled: readonly [number, number] = [0, 0]): Plain {
  const done = [new Set<number>(), new Set<number>()] as const;
  const parcels = new Map<number, Range>();
  const received = new Set<number>();
  let servers: { home: string | undefined; clean: readonly string[] } = { home: undefined, clean: [] };
  for (const change of changes) {
    if (change.kind === "handedOver") for (const n of listed([change])) done[change.lane].add(n);
    if (change.kind === "parcel") parcels.set(change.first, { first: change.first, last: change.last });
    if (change.kind === "received") received.add(change.id);
    if (change.kind === "completed") received.delete(change.id);
    if (change.kind === "servers") servers = change;
    if (change.kind === "reset") for (const set of [...done, received]) set.clear();
  }
  return {
    handedOver: done.map((set, lane) => ascending(set).filter((n) => n > (settled[lane] ?? 0))),
    parcels: [...parcels.values()].filter(({ last }) => last > settled[0]).sort((a, b) => a.first - b.first),
    received: ascending(received),
    home: servers.home,
    clean: servers.clean,
  };
}

export function plain({ handedOver, parcels, received, servers }: SessionState): Plain {
  return { handedOver: handedOver.map(listed), parcels, received: ascending(received), ...servers };
}

export const NOTHING = modelOf([]);

function listed(ranges: readonly Range[]): number[] {
  return ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

function ascending(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
