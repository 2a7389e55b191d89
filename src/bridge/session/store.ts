import { setImmediate as turn } from "node:timers/promises";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import { Fault, type FaultOptions } from "../../outbox/log/fault.js";
import { attempt, diskFiles, type Files } from "../../outbox/log/files.js";
import { BankFile, pathOf } from "./bank-file.js";
import { checkChange } from "./change.js";
import { LiveState } from "./live.js";
import { recover } from "./recovery.js";
import { sessionReport } from "./report.js";
import type { Change, Lane, SessionState, SessionStore } from "./session.js";

export interface SessionStoreOptions {
  /** Made if it is not there. Whoever opens it has the outboxes open and holds their locks: this one has none of its own. */
  readonly folder: string;
  /** The bridge it serves, for the journal. */
  readonly id: string;
  /** Of the outbox of each lane: another one, and the state is about messages that are gone. At most 512 bytes. */
  readonly epochs: readonly [string, string];
  /** Up to where each outbox's cursor said on opening that all is done. */
  readonly settled: readonly [number, number];
  /** Whether `record` waits for the medium (a power cut costs nothing) or for the system (kill -9 costs nothing). */
  readonly syncs: boolean;
  readonly journal: Journal;
  /** Between two tries to write to a disk that failed, in ms. 1,000 if left out. */
  readonly retry?: number;
  /** Of one of the two banks. Cannot change once the file is made. 512 KiB if left out. */
  readonly bankBytes?: number;
  /** The file system, for tests. */
  readonly files?: Files;
}

/**
 * Twice what the largest state takes that a bridge should come to: 10,000 messages on their way in each lane, every second one handed
 * over (13 bytes each), all in parcels of two, and 16 servers. 65,535 inbound ids beside that still fit.
 */
const BANK_BYTES = 512 * 1024;
const RETRY = 1000; // ms

/** Opens the state of a folder and recovers what is in it. Whatever the disk says, there is a store. */
export async function openSessionStore(options: SessionStoreOptions): Promise<SessionStore> {
  const { id, folder, epochs, journal, files = diskFiles, bankBytes = BANK_BYTES } = options;
  const report = sessionReport(id, pathOf(folder), journal);
  const { bank, place, unreadable } = await recover(files, folder, bankBytes);
  const ours = bank?.epochs.every((epoch, lane) => epoch === epochs[lane]) ? bank : undefined;
  if (unreadable !== undefined) report.unreadable(unreadable);
  if (bank !== ours) report.isVoid();
  const state = new LiveState();
  for (const change of ours?.changes ?? []) state.apply(change);
  const file = new BankFile({ ...{ files, folder, bankBytes, epochs }, syncs: options.syncs }, place);
  const fault = { retry: options.retry ?? RETRY, onBegin: report.faultBegan, onEnd: report.faultEnded };
  const store = new BankStore({ id, state, file, fresh: ours === undefined, settled: options.settled, fault });
  await store.begin();
  return store;
}

interface Parts {
  readonly id: string;
  readonly state: LiveState;
  readonly file: BankFile;
  readonly fresh: boolean;
  readonly settled: readonly [number, number];
  readonly fault: Omit<FaultOptions, "rehearse">;
}

/** Changes that gather for the next commit, and who waits for it. */
interface Batch {
  readonly changes: Change[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

/**
 * The state in memory and on disk: one file of two banks of fixed size, all of it there from the beginning. A bank is a snapshot and
 * the frames that followed it (bank.ts). One of them counts; when it is full, a snapshot goes into the other one.
 *
 * What holds after a crash at any byte, of the process or (if `syncs`) of the power, and why
 * 1. What `record` promised is there, and all of one call or none of it. Calls that come together are one frame, frames are
 *    written and synced one after another, and a frame counts only with its CRC. So recovery finds the changes of the first n
 *    calls, where n covers all that were answered.
 * 2. Nothing is there that was never recorded. A frame's CRC covers the salt of its snapshot, which no other snapshot has, and no
 *    place is written twice under one salt: opening begins with a new snapshot, and so does going on after an error. So neither
 *    what a torn write left behind nor the bank's former content is ever taken for a frame.
 * 3. A switch of banks loses nothing. The bank that counts is not touched until the snapshot in the other one is synced, whole, under
 *    a higher generation; until then a torn snapshot fails its CRC and the old bank with all its frames is found. The snapshot
 *    covers the changes that found no room in the old bank, and no frame is written meanwhile. Changes that are recorded
 *    at that moment may be in it and in the first frame behind it: applied once more, in order, they change nothing.
 * 4. An old state never passes for the present one. After the switch the header of the old bank is cleared: if the new one rots,
 *    none is left, and that is said. A frame that rots is told from one that was never finished by sound ones behind it. A state
 *    with a hole would be worse than none: an inbound id that was completed long ago would swallow another message.
 * 5. A full disk changes nothing: the file does not grow. (On one that copies on write it may; then 6 holds.)
 * 6. What cannot be written stays in memory and is in the snapshot with which writing begins again. It is answered all the same:
 *    while that lasts, a crash finds the state as it was when writing failed, or nothing where no file could be made.
 * 7. Without `syncs`, a power cut costs at most what came after the last switch: snapshots are synced in any case. If it tears
 *    a hole into the frames, 4 holds.
 *
 * Settled sequences are left out of snapshots, not before: what `record` promised about those is in the outbox's cursor then.
 */
class BankStore implements SessionStore {
  readonly recovered: SessionState;
  readonly #id: string;
  readonly #state: LiveState;
  readonly #file: BankFile;
  readonly #fault: Fault;
  readonly #settled: [number, number];
  #batch: Batch | undefined;
  /** Stores batches until there are none. */
  #running: Promise<void> | undefined;
  /** Tries to write again after an error: whoever records meanwhile waits for the outcome. */
  #replacing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor({ id, state, file, fresh, settled, fault }: Parts) {
    this.#id = id;
    this.#state = state;
    this.#file = file;
    this.#settled = [...settled];
    this.#fault = new Fault({ ...fault, rehearse: () => this.#again() });
    state.forget(settled);
    this.recovered = state.view(fresh);
  }

  /** Called once, before all else. */
  async begin(): Promise<void> {
    try {
      await this.#replace();
    } catch (error) {
      this.#fault.begin(error, 0);
    }
  }

  record(changes: readonly Change[]): Promise<void> {
    if (this.#closing !== undefined) {
      return Promise.reject(
        new WeirError("CLOSED", `bridge ${this.#id} records nothing more: the gateway is stopping`),
      );
    }
    try {
      for (const change of changes) checkChange(change);
    } catch (error) {
      return Promise.reject(error);
    }
    for (const change of changes) this.#state.apply(change);
    if (!this.#file.ready && this.#replacing === undefined && this.#running === undefined) return Promise.resolve();
    this.#batch ??= newBatch();
    for (const change of changes) add(this.#batch.changes, change);
    this.#running ??= this.#run();
    return this.#batch.done;
  }

  settled(lane: Lane, sequence: number): void {
    this.#settled[lane] = Math.max(this.#settled[lane], sequence);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#fault.stop();
    await this.#running;
    // The last chance for what is in memory only.
    if (!this.#file.ready) await attempt(this.#replace());
    await this.#file.close();
  }

  /** One commit at a time, which serves all that wait; while it runs, the next batch gathers. */
  async #run(): Promise<void> {
    do {
      // Whoever records in this turn of the event loop comes along, and whoever was answered and goes on at once.
      await turn();
      await this.#replacing;
      const { changes, resolve } = this.#batch ?? newBatch();
      this.#batch = undefined;
      // Otherwise it is in memory only, which was said.
      if (this.#file.ready) await this.#store(changes);
      resolve();
    } while (this.#batch !== undefined);
    this.#running = undefined;
  }

  async #store(changes: readonly Change[]): Promise<void> {
    try {
      if (!(await this.#file.append(changes))) await this.#replace();
    } catch (error) {
      this.#fault.begin(error, 0);
    }
  }

  async #again(): Promise<void> {
    const replaced = this.#replace();
    this.#replacing = attempt(replaced).then(() => {
      this.#replacing = undefined;
    });
    await replaced;
  }

  async #replace(): Promise<void> {
    this.#state.forget(this.#settled);
    await this.#file.replace(this.#state.changes());
  }
}

function newBatch(): Batch {
  let resolve = (): void => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { changes: [], done, resolve };
}

/** Puts it behind the others; what is handed over one behind another becomes one range. */
function add(changes: Change[], change: Change): void {
  const last = changes.at(-1);
  const touches =
    change.kind === "handedOver" &&
    last?.kind === "handedOver" &&
    change.lane === last.lane &&
    change.first <= last.last + 1 &&
    change.last >= last.first - 1;
  if (!touches) changes.push(change);
  else {
    const [first, end] = [Math.min(last.first, change.first), Math.max(last.last, change.last)];
    changes[changes.length - 1] = { ...change, first, last: end };
  }
}
