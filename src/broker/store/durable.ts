import { messageOf } from "../../core/errors.js";
import { Fault } from "../../outbox/log/fault.js";
import { attempt, type Files } from "../../outbox/log/files.js";
import { GroupCommit } from "../../outbox/log/group-commit.js";
import { type Lock, lockFolder } from "../../outbox/log/lock.js";
import type { Publication } from "../publication.js";
import { Compaction } from "./compaction.js";
import type { Frame } from "./frame.js";
import { Frames } from "./frames.js";
import type { StoreOptions } from "./options.js";
import { KIND } from "./record.js";
import type { Recovery } from "./recovery.js";
import { type Report, storeReport } from "./report.js";
import { bytesOf, Segments } from "./segments.js";
import type { QueueEntry, SessionTerms, Store, StoredSession, StoredSubscription } from "./store.js";

export interface Parts {
  readonly files: Files;
  readonly recovery: Recovery;
  /** Undefined where the disk had no room for it: taken once it has. */
  readonly lock: Lock | undefined;
}

/** Whoever waits for what was recorded. */
interface Waiter {
  /** A commit takes all that is recorded, however much that is. */
  readonly size: 0;
  readonly done: (error?: Error) => void;
}

/** ms that a record may wait which nobody waits for. */
const LAG = 10;
const RETRY = 1000; // ms
const COMPACT_BYTES = 8 * 1024 * 1024;
/** Who need not wait for the disk does wait while so many bytes are not written. */
const MOST_UNWRITTEN = 4 * 1024 * 1024;
/** Records in memory: when there are more, all that lives is written instead of them. */
const MOST_HELD = 32 * 1024 * 1024;

/**
 * What the broker keeps, on disk: a snapshot of what was alive, and segments with all that was recorded since it was begun.
 *
 * What holds after a crash at any byte, of the process or of the power, and why
 *
 * 1. What `stored` promised is there. Under `commit` it calls back after fdatasync of all that was recorded before, in a file that
 *    was in the folder before (fsync of the folder). Under `interval` that fdatasync follows within the interval, under `none`
 *    when the system likes. A frame counts only with its CRC and the salt of its file: a part of one is none.
 * 2. What is there is the state after some of the records, from the first up to one, with none left out between: segments are
 *    written in the order of recording, nothing follows what was not written, and a failed write ends its segment. What it was
 *    to hold comes again in the next one, perhaps twice: each record says what is so from then on, so twice is as once.
 * 3. A snapshot is taken in slices while things change, and is right all the same. All that happens from before its first slice
 *    is in segments from its number on, and those are on the medium up to its last slice before it gets its name. Of what did not
 *    change meanwhile it says how it is; what did change is said by those segments. `next` only rises, so that no sequence is
 *    given twice, also after the queue was empty.
 * 4. At each moment one chain is whole: the snapshot before and all segments from its number on, until the new snapshot and its
 *    name are on the medium; only then is anything removed. What a crash leaves behind of either is removed at the next start.
 * 5. Where records are lost before they were written (`#gap`: there were more than memory holds, or fsync failed and the system
 *    forgot what it had), nothing more is written behind them. All that lives is written as a snapshot that was begun afterwards,
 *    what was recorded meanwhile follows it, and only then is anything promised again. A crash before that leaves what was there
 *    before the loss.
 * 6. Damage costs the frames that it hits (16 KiB or one publication), since a segment's frame can be read by itself: the frames
 *    behind it count. In a snapshot it costs those that refer to a publication in it too. All is told; nothing stops the start.
 *
 * In memory: what waits to be written, up to a bound; nothing of what is stored. The broker has that.
 */
export class DurableStore implements Store {
  readonly #options: StoreOptions;
  readonly #files: Files;
  readonly #report: Report;
  readonly #frames = new Frames();
  readonly #segments: Segments;
  readonly #compaction: Compaction;
  readonly #commit: GroupCommit<Waiter>;
  readonly #fault: Fault;
  #lock: Lock | undefined;
  #recovered: { readonly sessions: readonly StoredSession[]; readonly retained: readonly Publication[] };
  #taken = false;
  /** How many records there were, and how many of them are as safe as was asked for. */
  #recorded = 0;
  #safe = 0;
  /** Those who wait for the disk. */
  #waiting = 0;
  /** Bytes that are being written. */
  #writing = 0;
  /** Records are lost, and only a snapshot makes up for them. How often that happened. */
  #gap = false;
  #gaps = 0;
  #compacting: Promise<void> | undefined;
  #compactionFails = false;
  #soon: NodeJS.Timeout | undefined;
  #syncing: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StoreOptions, { files, recovery, lock }: Parts) {
    const { folder, durability, live, retry = RETRY, compactBytes: least = COMPACT_BYTES } = options;
    const { replay, chain, replaced, next, losses } = recovery;
    this.#options = options;
    this.#files = files;
    this.#lock = lock;
    this.#report = storeReport(folder, options.journal);
    this.#recovered = { sessions: replay.sessions(), retained: replay.retained() };
    this.#segments = new Segments({ files, folder, syncs: durability !== "none" }, chain, replaced, next);
    const entries = this.#recovered.sessions.reduce((sum, { queue }) => sum + queue.length, 0);
    const parts = { files, folder, segments: this.#segments, live, least };
    const stored = { entries: replay.entries, settled: replay.entries - entries, damaged: losses.length > 0 };
    this.#compaction = new Compaction(parts, stored);
    this.#commit = new GroupCommit({ commit: (batch) => this.#store(batch) });
    this.#fault = new Fault({
      retry,
      rehearse: (room) => this.#rehearse(room),
      onBegin: (what) => this.#report.faultBegan(what),
      onEnd: () => {
        this.#report.faultEnded();
        this.#writeSoon(); // what was recorded during the last try
      },
    });
  }

  /** Makes it ready. `fault` is why the folder could not be locked. Called once, before all else. */
  async begin(fault: unknown): Promise<void> {
    if (fault === undefined) await this.#segments.tidy();
    else this.#fault.begin(fault, 0);
  }

  takeRecovered(): { readonly sessions: readonly StoredSession[]; readonly retained: readonly Publication[] } {
    const recovered = this.#recovered;
    this.#recovered = { sessions: [], retained: [] };
    this.#taken = true;
    return recovered;
  }

  putSession(clientId: string, terms: SessionTerms): void {
    this.#frames.session(clientId, terms);
    this.#changed();
  }

  dropSession(clientId: string): void {
    this.#note(KIND.dropped, clientId);
  }

  putSubscription(clientId: string, subscription: StoredSubscription): void {
    this.#frames.subscription(clientId, subscription);
    this.#changed();
  }

  dropSubscription(clientId: string, filter: string): void {
    this.#frames.unsubscribed(clientId, filter);
    this.#changed();
  }

  enqueue(clientId: string, entry: QueueEntry): void {
    this.#frames.entry(clientId, entry, false);
    this.#compaction.enqueued();
    this.#changed();
  }

  released(clientId: string, sequence: number): void {
    this.#note(KIND.released, clientId, sequence);
  }

  settled(clientId: string, sequence: number): void {
    this.#compaction.settled();
    this.#note(KIND.settled, clientId, sequence);
  }

  received(clientId: string, packetId: number): void {
    this.#note(KIND.received, clientId, packetId);
  }

  completed(clientId: string, packetId: number): void {
    this.#note(KIND.completed, clientId, packetId);
  }

  retain(publication: Publication): void {
    if (publication.payload.length > 0) this.#frames.retained(publication);
    else this.#frames.cleared(publication.topic);
    this.#changed();
  }

  stored(done: (error?: Error) => void): void {
    const { what } = this.#fault;
    if (this.#closing !== undefined) done(this.#report.closed());
    else if (what !== undefined) done(this.#report.unavailable(what));
    else if (this.#waiting === 0 && this.#isStored()) done();
    else {
      this.#waiting += 1;
      this.#commit.add({ size: 0, done });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#soon);
    clearTimeout(this.#syncing);
    await this.#commit.close();
    await this.#fault.stop();
    const trouble = await attempt(this.#lastFlush());
    if (trouble !== undefined) this.#report.unstored(trouble);
    await attempt(this.#compacting ?? Promise.resolve());
    await this.#segments.close();
    await attempt(this.#lock?.release() ?? Promise.resolve());
  }

  #note(kind: number, clientId: string, value?: number): void {
    this.#frames.about(kind, clientId, value);
    this.#changed();
  }

  #changed(): void {
    this.#recorded += 1;
    if (this.#frames.bytes > MOST_HELD) this.#overflow();
    if (this.#soon === undefined) this.#writeSoon();
  }

  #isStored(): boolean {
    if (this.#gap) return false;
    if (this.#options.durability === "commit") return this.#safe === this.#recorded;
    return this.#frames.bytes + this.#writing < MOST_UNWRITTEN;
  }

  #writeSoon(): void {
    if (this.#closing === undefined) this.#soon ??= setTimeout(() => this.#write(), LAG);
  }

  /** What nobody waits for is written soon, so that kill -9 costs little, and synced within the interval. */
  #write(): void {
    this.#soon = undefined;
    if (this.#fault.what !== undefined || this.#closing !== undefined) return;
    void attempt(this.#flush(false)).then(() => this.#compactIfDue());
    const { durability, interval } = this.#options;
    if (durability === "none" || this.#syncing !== undefined) return;
    this.#syncing = setTimeout(() => {
      this.#syncing = undefined;
      if (this.#fault.what === undefined && this.#closing === undefined) void attempt(this.#flush(true));
    }, interval);
  }

  async #store(batch: readonly Waiter[]): Promise<void> {
    try {
      await this.#flush(this.#options.durability === "commit");
    } catch (error) {
      const failure = this.#report.unavailable(messageOf(error), error);
      this.#answer([...batch, ...this.#commit.abandon()], failure);
      return;
    }
    this.#answer(batch);
    this.#compactIfDue();
  }

  #answer(batch: readonly Waiter[], error?: Error): void {
    for (const { done } of batch) {
      // Who asks within this waits behind the others.
      if (error === undefined) done();
      else done(error);
      this.#waiting -= 1;
    }
  }

  /** Resolves once all that was recorded is written, and on the medium if `sync`. What fails begins the fault, and rejects. */
  async #flush(sync: boolean): Promise<void> {
    for (;;) {
      while (this.#gap) {
        // One that was under way began before the loss.
        if (this.#compacting !== undefined) await attempt(this.#compacting);
        else await this.#compact();
      }
      if (await this.#commitFrames(sync)) return;
    }
  }

  /** False where records are lost that come before those that wait. */
  async #commitFrames(sync: boolean): Promise<boolean> {
    let frames: Frame[] | undefined;
    let upTo = 0;
    const take = (): Frame[] => {
      if (this.#gap) return [];
      upTo = this.#recorded;
      frames = this.#frames.take();
      this.#writing = bytesOf(frames);
      return frames;
    };
    try {
      await this.#segments.write(take, sync);
    } catch (error) {
      const bytes = this.#writing;
      if (this.#segments.doubt) this.#lose();
      else if (frames !== undefined && !this.#gap) this.#frames.giveBack(frames);
      this.#fault.begin(error, bytes);
      throw error;
    } finally {
      this.#writing = 0;
    }
    if (sync && frames !== undefined) this.#safe = upTo;
    return frames !== undefined;
  }

  #overflow(): void {
    this.#report.overflowed(this.#frames.bytes);
    this.#lose();
  }

  /** What waits is given up: a snapshot that is begun from now on has it. */
  #lose(): void {
    this.#frames.take();
    this.#segments.doubt = false;
    this.#gap = true;
    this.#gaps += 1;
    this.#writeSoon();
  }

  #compactIfDue(): void {
    if (!this.#taken || this.#closing !== undefined || this.#compacting !== undefined) return;
    if (this.#fault.what === undefined && this.#compaction.due) void attempt(this.#compact());
  }

  #compact(): Promise<void> {
    this.#compacting = this.#snapshot().finally(() => {
      this.#compacting = undefined;
    });
    return this.#compacting;
  }

  async #snapshot(): Promise<void> {
    const [gap, gaps] = [this.#gap, this.#gaps];
    const check = (): void => {
      if (this.#gaps !== gaps) throw new Error("more was recorded meanwhile than memory holds");
      // Without it nothing is lost, unless it is to make up for a loss.
      if (this.#closing !== undefined && !gap) throw new Error("the gateway is stopping");
    };
    const finish = async (): Promise<void> => {
      if (!gap) await this.#commitFrames(true);
      check();
    };
    try {
      await this.#compaction.run(check, finish);
    } catch (error) {
      if (this.#segments.doubt) this.#lose();
      if (gap) this.#fault.begin(error, 0);
      else if (this.#closing === undefined && !this.#compactionFails) {
        this.#compactionFails = true;
        this.#report.compactionFailed(messageOf(error));
      }
      throw error;
    }
    this.#compactionFails = false;
    if (this.#gaps === gaps) this.#gap = false;
  }

  async #lastFlush(): Promise<void> {
    if (!this.#gap && this.#safe === this.#recorded) return;
    await this.#hold();
    await this.#flush(this.#options.durability !== "none");
  }

  /** Without the lock the folder may be another process's. */
  async #hold(): Promise<void> {
    this.#lock ??= await lockFolder(this.#files, this.#options.folder, "STORE_LOCKED");
  }

  async #rehearse(room: number): Promise<void> {
    await this.#hold();
    await this.#flush(true);
    await this.#segments.rehearse(room);
  }
}
