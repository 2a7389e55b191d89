import type { Command, CommandResult } from "../../core/command.js";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import { Fault } from "../../outbox/log/fault.js";
import { attempt, diskFiles, type Files } from "../../outbox/log/files.js";
import { type Lock, lockFolder } from "../../outbox/log/lock.js";
import { BankFile } from "./bank-file.js";
import { Entries } from "./entries.js";
import { type Entry, type Note, remembered } from "./entry.js";
import { type CommandLogReport, commandLogReport } from "./report.js";

/**
 * The commands that were given an id, over restarts, kill -9 and power cuts: so that none runs twice however often a broker sends it.
 *
 * What holds, and why
 * 1. No command with an id is handed to a session before that is noted on the medium ("begun"), and no result is published
 *    before it is. So after a restart an id is unknown (it never ran: it may run), taken (it never ran: it runs if its deadline
 *    allows), begun (it may have run: nobody knows, so it is answered with COMMAND_INTERRUPTED and never run) or ended (its
 *    result is given again).
 * 2. A command is acknowledged to the broker once it is noted as taken or begun, so that one of both has it at any moment. Who
 *    was not told the result when the process ended is told at the next start (`unanswered`): at least once, always the same.
 * 3. The file is two banks of fixed size, all there from the beginning: a snapshot and the frames that followed it. The bank that
 *    counts is not touched until the snapshot in the other one is synced, whole, under a higher generation. A frame counts only
 *    with its CRC, and no place is written twice under one salt: opening begins with a new snapshot, and so does going on after
 *    an error. So a torn tail is never taken for a note, and is gone with the next start.
 * 4. Damage is told from a torn tail by sound frames behind it. The notes that are sound still count, for an id that is known can
 *    do no harm; but as notes may be missing, what was taken counts as begun. The damaged file is kept as `log.corrupt`.
 * 5. A full disk changes nothing: the file does not grow.
 * 6. A disk that fails stops no command. An SD card that died must not take the valves with it, and that a command runs twice takes a
 *    kill within milliseconds and a broker that sends it again on top. It is reported (`command_log_unavailable`), what is known
 *    stays in memory, and all of it is stored with the snapshot with which writing begins again.
 * 7. Bounds: ids, bytes and age (entries.ts); the oldest that ended are forgotten first. Age counts while the gateway runs and
 *    begins anew at each start, without looking at the clock on the wall: what a broker kept while the gateway was away
 *    is known still. Seven days are longer than most outages of an upstream that a gateway sees while it runs. 10,000
 *    commands, 7,700 where ids are UUIDs, are more than an upstream keeps for a client (mosquitto: 1,000).
 *
 * No notes are made of reads, for reading twice harms nothing, nor of commands without an id, which nobody can recognize.
 */
export interface CommandLog {
  /** What a command that ran was answered with, in this process or before. */
  find(device: string, id: string): Ended | undefined;
  /** Whether one more may be taken. */
  fits(command: Command, content: string): boolean;
  /** It waits for its turn. This and the next two resolve once it is noted, or at once while it cannot be. They never reject. */
  taken(command: Command, content: string): Promise<void>;
  begun(command: Command, content: string): Promise<void>;
  ended(command: Command, content: string, result: CommandResult): Promise<void>;
  /** The result of what had ended is safe on its way. */
  told(device: string, id: string): void;
  /** It never ran, and may be tried again. Nothing is done where it has ended. */
  forget(device: string, id: string): void;
  /** At the start: what was not told, and what never ran. */
  unanswered(): readonly Unanswered[];
  close(): Promise<void>;
}

export interface Ended {
  readonly content: string;
  readonly result: CommandResult;
}

export type Unanswered =
  | { readonly kind: "waits"; readonly command: Command }
  | {
      readonly kind: "ended";
      readonly device: string;
      readonly id: string;
      readonly resource: string;
      readonly result: CommandResult;
    };

export interface CommandLogOptions {
  /** Made if it is not there. */
  readonly folder: string;
  /** ms of a clock that does not jump. */
  readonly ticks: () => number;
  readonly journal: Journal;
  /** Between two tries to write to a disk that failed, in ms. 1,000 if left out. */
  readonly retry?: number;
  /** Of one of the two banks. Cannot change once the file is made. 2 MiB if left out. */
  readonly bankBytes?: number;
  /** Ids that are known; 10,000 if left out. */
  readonly entries?: number;
  /** The file system, for tests. */
  readonly files?: Files;
}

const BANK_BYTES = 2 * 1024 * 1024;
const ENTRIES = 10_000;
const AGE = 7 * 86_400_000; // ms
const RETRY = 1000; // ms

const INTERRUPTED: CommandResult = {
  ok: false,
  code: "COMMAND_INTERRUPTED",
  message: "the gateway ended while the command ran: it may have been carried out, and is not run again",
};

/**
 * Opens the log of a folder and recovers what is in it: whatever the disk says, there is a log. Rejects with OUTBOX_LOCKED while
 * another process has the folder.
 */
export async function openCommandLog(options: CommandLogOptions): Promise<CommandLog> {
  const { folder, files = diskFiles, bankBytes = BANK_BYTES } = options;
  const lock = await lockOf(files, folder);
  const file = new BankFile(files, folder, bankBytes);
  const report = commandLogReport(file.path, options.journal);
  const { notes, damage } = await file.recover();
  if (damage !== undefined) report.damaged(damage);
  // A quarter of the bank is left for frames.
  const bounds = { entries: options.entries ?? ENTRIES, bytes: bankBytes * 0.75, age: AGE };
  const entries = new Entries(bounds);
  for (const note of notes) entries.apply(note, options.ticks());
  for (const entry of [...entries.all()]) {
    const { kind } = entry.state;
    const lost = kind === "begun" || (kind === "taken" && damage !== undefined);
    if (lost) entries.apply({ ...entry, state: { kind: "ended", result: INTERRUPTED, told: false } }, options.ticks());
  }
  const log = new BankLog(entries, file, lock, report, options);
  await log.begin();
  return log;
}

/** Undefined where the disk takes no lock: that must not stop the gateway. */
async function lockOf(files: Files, folder: string): Promise<Lock | undefined> {
  try {
    await files.makeFolder(folder);
    return await lockFolder(files, folder);
  } catch (error) {
    if (error instanceof WeirError) throw error;
    return undefined; // the first note says what the disk says
  }
}

/** Notes that gather for the next frame, and who waits for it. */
interface Batch {
  readonly notes: Note[];
  sync: boolean;
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

class BankLog implements CommandLog {
  readonly #entries: Entries;
  readonly #file: BankFile;
  readonly #lock: Lock | undefined;
  readonly #fault: Fault;
  readonly #ticks: () => number;
  #batch: Batch | undefined;
  /** Stores batches until there are none. */
  #running: Promise<void> | undefined;
  /** Tries to write again after an error: who notes something meanwhile waits for the outcome. */
  #replacing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    entries: Entries,
    file: BankFile,
    lock: Lock | undefined,
    report: CommandLogReport,
    { ticks, retry = RETRY }: CommandLogOptions,
  ) {
    this.#entries = entries;
    this.#file = file;
    this.#lock = lock;
    this.#ticks = ticks;
    const { faultBegan: onBegin, faultEnded: onEnd } = report;
    this.#fault = new Fault({ retry, onBegin, onEnd, rehearse: () => this.#again() });
  }

  /** Called once, before all else. */
  async begin(): Promise<void> {
    try {
      await this.#replace();
    } catch (error) {
      this.#fault.begin(error, 0);
    }
  }

  find(device: string, id: string): Ended | undefined {
    const entry = this.#entries.get(device, id, this.#ticks());
    return entry?.state.kind === "ended" ? { content: entry.content, result: entry.state.result } : undefined;
  }

  fits(command: Command, content: string): boolean {
    return this.#entries.fits(takenEntry(command, content));
  }

  taken(command: Command, content: string): Promise<void> {
    return this.#note(takenEntry(command, content), true);
  }

  begun({ device, id, resource }: Command, content: string): Promise<void> {
    return this.#note({ device, id, resource, content, state: { kind: "begun" } }, true);
  }

  ended({ device, id, resource }: Command, content: string, result: CommandResult): Promise<void> {
    const state = { kind: "ended", result: remembered(result), told: false } as const;
    return this.#note({ device, id, resource, content, state }, true);
  }

  told(device: string, id: string): void {
    const entry = this.#entries.get(device, id, this.#ticks());
    // Not synced: if it is lost, the same result is told once more.
    if (entry?.state.kind === "ended" && !entry.state.told)
      void this.#note({ ...entry, state: { ...entry.state, told: true } }, false);
  }

  forget(device: string, id: string): void {
    const entry = this.#entries.get(device, id, this.#ticks());
    if (entry !== undefined && entry.state.kind !== "ended")
      void this.#note({ device, id, state: { kind: "forgotten" } }, false);
  }

  unanswered(): readonly Unanswered[] {
    return [...this.#entries.all()].flatMap((entry): Unanswered[] => {
      const { device, id, resource, state } = entry;
      if (state.kind === "begun" || (state.kind === "ended" && state.told)) return [];
      if (state.kind === "ended") return [{ kind: "ended", device, id, resource, result: state.result }];
      const { kind: _, ...rest } = state;
      return [{ kind: "waits", command: { device, id, resource, ...rest } }];
    });
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
    await attempt(this.#lock?.release() ?? Promise.resolve());
  }

  #note(note: Note, sync: boolean): Promise<void> {
    this.#entries.apply(note, this.#ticks());
    if (this.#closing !== undefined) return Promise.resolve();
    this.#batch ??= newBatch();
    const batch = this.#batch;
    batch.notes.push(note);
    batch.sync ||= sync;
    this.#running ??= this.#run();
    return batch.done;
  }

  /** One frame at a time, which serves all that wait; while it is written, the next batch gathers. */
  async #run(): Promise<void> {
    await this.#replacing;
    while (this.#batch !== undefined) {
      const { notes, sync, resolve } = this.#batch;
      this.#batch = undefined;
      // Otherwise it is in memory only, which was said.
      if (this.#file.ready) await this.#store(notes, sync);
      resolve();
      await this.#replacing;
    }
    this.#running = undefined;
  }

  async #store(notes: readonly Note[], sync: boolean): Promise<void> {
    try {
      if (!(await this.#file.append(notes, sync))) await this.#replace();
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

  #replace(): Promise<void> {
    return this.#file.replace(this.#entries.all());
  }
}

function takenEntry({ device, id, resource, action, value, deadline }: Command, content: string): Entry {
  const state = { kind: "taken", action, deadline, ...(value === undefined ? {} : { value }) } as const;
  return { device, id, resource, content, state };
}

function newBatch(): Batch {
  let resolve = (): void => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { notes: [], sync: false, done, resolve };
}
