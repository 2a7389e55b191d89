import type { Publication } from "../../../../src/broker/publication.js";
import { openStore } from "../../../../src/broker/store/open.js";
import type { StoreOptions } from "../../../../src/broker/store/options.js";
import type { Store } from "../../../../src/broker/store/store.js";
import type { Entry } from "../../../../src/core/journal.js";
import { Disk } from "../../outbox/log/disk.js";
import { Model } from "./model.js";

export interface Opened {
  readonly store: Store;
  readonly model: Model;
  readonly journal: Entry[];
  readonly disk: Disk;
}

/** A store on a simulated disk, and the broker that goes with it. */
export async function open(options: Partial<StoreOptions> = {}, disk = new Disk()): Promise<Opened> {
  const journal: Entry[] = [];
  const model = new Model();
  const store = await openStore({
    folder: "/store",
    durability: "commit",
    interval: 1000,
    retry: 1,
    live: model,
    journal: (entry) => journal.push(entry),
    files: disk.files(),
    ...options,
  });
  const { sessions, retained } = store.takeRecovered();
  model.adopt(sessions, retained);
  model.store = store;
  return { store, model, journal, disk };
}

/** Resolves once all that was recorded is stored; rejects with why it could not be. */
export function stored(store: Store): Promise<void> {
  return new Promise((resolve, reject) => store.stored((error) => (error ? reject(error) : resolve())));
}

export function publication(text: string, extra: Partial<Publication> = {}): Publication {
  return { topic: `t/${text}`, payload: Buffer.from(text), qos: 1, retain: false, ...extra };
}

export const TERMS = { listener: "tcp://127.0.0.1:1883", expiry: 3600 };

export function events(journal: readonly Entry[], event: string): number {
  return journal.filter((entry) => entry.event === event).length;
}
