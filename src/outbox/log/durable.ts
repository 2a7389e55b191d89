import { messageOf, type WeirError } from "../../core/errors.js";
import type { Message } from "../../core/message.js";
import type { DropReason } from "../drops.js";
import type { Depth, Entry, Terms } from "../outbox.js";
import { Queue } from "../queue.js";
import { staleness } from "../stale.js";
import { Sweep } from "../sweep.js";
import type { CursorFile } from "./cursor.js";
import type { Epoch } from "./epoch.js";
import { Fault } from "./fault.js";
import { attempt, type Files } from "./files.js";
import { GroupCommit } from "./group-commit.js";
import { Loader, type LostPart } from "./loader.js";
import { type Lock, lockFolder } from "./lock.js";
import { SegmentLog, type Written } from "./log.js";
import type { DurableOutbox, DurableOutboxOptions, OutboxState, Recovered } from "./options.js";
import { type Pending, pendingOf } from "./pending.js";
import { Progress } from "./progress.js";
import { ReadAhead, type Slot } from "./read-ahead.js";
import { RECORD_HEADER, sizeOf } from "./record.js";
import type { Recovery } from "./recovery.js";
import { outboxReport, type Report } from "./report.js";

export interface Parts {
  readonly files: Files;
  readonly cursor: CursorFile;
  readonly recovery: Recovery;
  readonly epoch: Epoch;
  /** Undefined where the disk had no room for it: taken once it has. */
  readonly lock: Lock | undefined;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const READ_AHEAD = 1024; // entries
const RETRY = 1000; // ms
/** Who need not wait for the disk does wait while so many bytes are not written, so that memory does not take what the disk does not. */
const MOST_UNWRITTEN = 4 * 1024 * 1024;
/**
 * An outbox on disk: a log of segments (log.ts), and a cursor that says how far the upstream has come (cursor.ts).
 *
 * What holds after a crash at any byte, of the process or of the power, and why
 * `commit`, `interval` and `none` are what a message asks for: what its rule says, otherwise what the outbox was opened with.
 *
 * 1. What `append` promised is there. Under `commit` it resolves for QoS 1 and 2 after fdatasync of the records, whose file was in
 *    the folder before (fsync of the folder). Under `interval` that fdatasync follows within the interval. Recovery keeps every record up to the first that is not sound, and nothing after a
 *    record that was synced is ever written before it.
 * 2. Nothing is sent that was never appended: a record counts only with its CRC and with the very sequence that its place asks for.
 *    A write that failed leaves no part of a record that could be read: its segment is cut or ends where the next one begins.
 * 3. Order is that of `append`: sequences are places.
 * 4. What comes again are messages beyond the cursor's prefix, no others: the cursor holds the highest sequence up to which all are
 *    acknowledged or dropped, and nothing else. It is written as soon as it moved and synced once a second while there are
 *    commits, when a segment is deleted, and on closing. `settled` is what was written last, so that after kill -9 nothing up to it
 *    comes again; after a power cut the last second does (or the 30 s of the system's own writing where nothing is appended). Only
 *    while the cursor cannot be written does `settled` run ahead of it, which is told: sending goes on. A lost cursor costs messages
 *    that are sent twice, never one that is lost. At QoS 2 that is once all the same only if the bridge keeps the state of its
 *    packet ids by sequence, which is the same before and after.
 * 5. A segment is deleted only when all in it is acknowledged or dropped and the cursor that says so is on the medium, under `none`
 *    too: what is missing otherwise is a loss, and reported as one.
 * 6. Under `commit` nothing is taken before it is as safe as it was promised to be, so that no sequence is given twice. Under
 *    `interval` and `none`, and for QoS 0, a power cut may undo messages that were sent already, and their sequences are given
 *    again under the same epoch, save what the cursor has passed. Otherwise epoch and sequence name a message for ever (epoch.ts).
 * 7. What expired is dropped as soon as it stands at the head of what waits, by `take`, for room, or by a look each second; behind one
 *    that did not it stays until then. When it expires is in its record, so that it does so also while no process runs.
 *
 * In memory
 * - `#messages` and `#bytes` count all that is neither acknowledged nor dropped, from the moment that it is admitted; they pass
 *   their bounds only when opened with bounds that are lower than what is there;
 * - only the read-ahead, what is taken and what is not written yet is in memory, however long the log is.
 */
export class SegmentOutbox implements DurableOutbox {
  readonly survives = true;
  readonly recovered: Recovered;
  readonly #options: DurableOutboxOptions;
  readonly #report: Report;
  readonly #entries = new Queue<Slot>();
  readonly #log: SegmentLog;
  readonly #loader: Loader;
  readonly #commit: GroupCommit<Pending>;
  readonly #progress: Progress;
  readonly #fault: Fault;
  readonly #sweep = new Sweep(() => this.#look());
  readonly #files: Files;
  readonly #epoch: Epoch;
  #lock: Lock | undefined;
  /** Wait for the oldest to be dropped, which is not in memory yet. In order; whoever comes later stands behind them. */
  readonly #queue: Pending[] = [];
  #messages: number;
  #bytes: number;
  /** When the last entry that left the read-ahead was appended: the oldest that waits is not older. */
  #passed: number | undefined;
  /** Something asked to be synced. From then on the log is, also where it was opened with `none`. */
  #syncs: boolean;
  #syncing: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(options: DurableOutboxOptions, { files, cursor, recovery, lock, epoch }: Parts) {
    const { folder, segmentBytes = SEGMENT_BYTES, durability, retry = RETRY } = options;
    this.#options = options;
    this.#files = files;
    this.#lock = lock;
    this.#epoch = epoch;
    this.#syncs = durability !== "none";
    const syncs = (): boolean => this.#syncs;
    this.#report = outboxReport(options.id, folder, options.journal);
    const { messages, bytes, truncatedBytes, losses, oldest, position } = recovery;
    this.recovered = { messages, truncatedBytes, quarantined: losses };
    this.#messages = messages;
    this.#bytes = bytes;
    this.#passed = oldest;
    const ahead = new ReadAhead(options.readAhead ?? READ_AHEAD, this.#entries);
    this.#log = new SegmentLog({ files, folder, segmentBytes, syncs }, recovery.segments, recovery.next);
    this.#loader = new Loader({
      ...{ files, log: this.#log, ahead, start: recovery.start, retry },
      onLoaded: () => this.#loaded(),
      onLost: (part) => this.#lost(part),
      onTrouble: (what) => this.#report.unreadable(what),
    });
    this.#commit = new GroupCommit({ commit: (batch) => this.#store(batch) });
    this.#progress = new Progress({
      ...{ files, cursor, log: this.#log, gone: position.gone, settled: position.acknowledged, retry },
      lowest: () => this.#entries.oldest?.sequence ?? this.#loader.next,
      onSettled: () => this.#wake(),
      onTrouble: (what) => this.#report.cursorStuck(what),
      onRoom: () => this.#fault.again(),
    });
    this.#fault = new Fault({
      retry,
      rehearse: (room) => this.#rehearse(room),
      onBegin: (what) => this.#report.faultBegan(what),
      onEnd: () => this.#report.faultEnded(),
    });
  }

  /** Makes it ready. `finished` are files to delete, `fault` is why the folder could not be locked. Called once, before all else. */
  async begin(finished: readonly string[], fault: unknown): Promise<void> {
    if (fault !== undefined) this.#fault.begin(fault, 0);
    await this.#progress.begin(finished);
    this.#loader.load();
    await this.#loader.settled();
    this.#sweep.touch();
  }

  get depth(): Depth {
    const oldest =
      this.#entries.oldest?.appended ?? (this.#loader.behind ? this.#passed : this.#commit.oldest?.appended);
    return { messages: this.#messages, bytes: this.#bytes, oldest };
  }

  get epoch(): string {
    return this.#epoch.text;
  }

  get settled(): number {
    return this.#progress.settled;
  }

  settle(): void {
    this.#progress.hurry();
  }

  get state(): OutboxState {
    return { fault: this.#fault.what, segments: this.#log.segments.length, diskBytes: this.#log.size };
  }

  onWaiting(listener: () => void): void {
    this.#wake = listener;
  }

  check(message: Message, terms: Terms = {}): void {
    const { whenFull = this.#options.whenFull, rule } = terms;
    const refusal = this.#refusal(rule);
    if (refusal !== undefined) throw refusal;
    if (whenFull === "refuse" && !this.#fitsByNow(sizeOf(message))) throw this.#full(rule);
  }

  append(message: Message, terms: Terms = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(terms.rule);
      if (refusal !== undefined) return reject(refusal);
      // A RangeError here rejects.
      const pending = pendingOf(message, terms, this.#options, { resolve, reject });
      if (this.#queue.length > 0 || !this.#admit(pending)) this.#queue.push(pending);
    });
  }

  take(): Entry | undefined {
    if (this.#closing !== undefined) return undefined;
    this.#dropStale();
    const slot = this.#entries.take();
    if (slot !== undefined) this.#passed = slot.appended;
    this.#loader.load();
    return slot;
  }

  acknowledge(sequence: number): void {
    const slot = this.#entries.acknowledge(sequence);
    if (slot === undefined) return;
    this.#forget(slot);
    this.#admitQueue();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const pending of this.#queue.splice(0)) pending.reject(this.#report.closed());
    clearTimeout(this.#syncing);
    this.#sweep.stop();
    await this.#commit.close();
    await this.#fault.stop();
    await this.#loader.close();
    await this.#progress.close();
    await this.#log.close();
    await attempt(this.#lock?.release() ?? Promise.resolve());
  }

  /** Why nothing is taken now, whatever it is. */
  #refusal(rule: string | undefined): WeirError | undefined {
    if (this.#closing !== undefined) return this.#report.closed();
    const { what } = this.#fault;
    if (what === undefined) return undefined;
    return this.#report.unavailable(what, rule);
  }

  #full(rule: string | undefined): WeirError {
    return this.#report.full({ messages: this.#messages, bytes: this.#bytes }, rule);
  }

  #fits(size: number): boolean {
    return this.#messages < this.#options.maxMessages && this.#bytes + size <= this.#options.maxBytes;
  }

  /** Takes the message in, or drops or refuses it. False where it has to wait until that can be decided. */
  #admit(pending: Pending): boolean {
    const room = this.#makeRoom(pending);
    if (room === "later") return false;
    if (room === "refused") pending.reject(this.#full(pending.rule));
    if (room === "dropped") pending.resolve();
    if (room !== "fits") return true;
    this.#messages += 1;
    this.#bytes += pending.size;
    this.#syncs ||= pending.durability !== "none";
    if (!pending.waits && this.#commit.bytes < MOST_UNWRITTEN) {
      pending.answered = true;
      pending.resolve();
    }
    this.#commit.add(pending);
    this.#sweep.touch();
    return true;
  }

  #makeRoom({ size, whenFull, rule }: Pending): "fits" | "dropped" | "refused" | "later" {
    if (this.#fitsByNow(size)) return "fits";
    const { maxMessages, maxBytes } = this.#options;
    if (whenFull === "refuse") return "refused";
    // What is taken may already be at the upstream: dropping it would free nothing but the knowledge of it. Where it leaves no
    // room, dropping all the rest would be in vain.
    const { messages, bytes } = this.#entries.taken;
    if (whenFull === "drop-newest" || messages >= maxMessages || bytes + size > maxBytes) {
      this.#report.dropped("newest", rule);
      return "dropped";
    }
    while (!this.#fits(size)) {
      // It is on disk and being read, or not even stored yet.
      if (!this.#dropHead("oldest")) return "later";
    }
    return "fits";
  }

  /** Whether it fits, once what is stale has left. */
  #fitsByNow(size: number): boolean {
    if (this.#fits(size)) return true;
    this.#dropStale();
    return this.#fits(size);
  }

  /** Drops what is stale at the head of what waits. What is not in memory yet follows when it is: see `#loaded`. */
  #dropStale(): void {
    const now = this.#options.now();
    for (let head = this.#entries.head; head !== undefined; head = this.#entries.head) {
      const why = staleness(head, now, this.#options.maxAge);
      if (why === undefined) return;
      this.#dropHead(why);
    }
  }

  /** False where nothing that waits is in memory. */
  #dropHead(why: DropReason): boolean {
    const slot = this.#entries.shift();
    this.#loader.load();
    if (slot === undefined) return false;
    this.#passed = slot.appended;
    this.#forget(slot);
    this.#report.dropped(why);
    return true;
  }

  #look(): "empty" | "later" {
    this.#dropStale();
    this.#admitQueue();
    return this.#messages === 0 ? "empty" : "later";
  }

  #admitQueue(): void {
    if (this.#queue.length === 0 || this.#closing !== undefined) return;
    let admitted = 0;
    for (const pending of this.#queue) {
      if (!this.#admit(pending)) break;
      admitted += 1;
    }
    this.#queue.splice(0, admitted);
  }

  /** It was acknowledged or dropped. */
  #forget(slot: Slot): void {
    this.#messages -= 1;
    this.#bytes -= slot.size;
    this.#log.finish(slot.segment);
    this.#progress.moved();
  }

  async #store(batch: readonly Pending[]): Promise<void> {
    const sync = batch.some(({ waits }) => waits);
    let written: Written;
    try {
      [written] = await Promise.all([this.#log.append(batch, sync), sync ? this.#progress.syncSometimes() : undefined]);
    } catch (error) {
      this.#giveUp(batch, error);
      return;
    }
    if (!sync && batch.some(({ durability }) => durability === "interval")) this.#syncLater();
    this.#publish(batch, written);
  }

  #publish(batch: readonly Pending[], { segment, sequence, offset }: Written): void {
    let [next, at] = [sequence, offset];
    for (const { message, size, appended, expires } of batch) {
      if (this.#loader.expects(next)) {
        // A payload from a socket is a view of all that was read at once, and whoever sent it may use its bytes again.
        const kept = { ...message, payload: Buffer.from(message.payload) };
        this.#loader.pass({ sequence: next, message: kept, size, appended, expires, segment }, at);
      }
      next += 1;
      at += RECORD_HEADER + size;
    }
    for (const pending of batch) if (!pending.answered) pending.resolve();
    this.#progress.tidy();
    this.#loader.load();
    this.#admitQueue();
    if (this.#entries.head !== undefined) this.#wake();
  }

  /** The batch could not be stored, nor will be what waits behind it. */
  #giveUp(batch: readonly Pending[], error: unknown): void {
    const bytes = batch.reduce((sum, { size }) => sum + size + RECORD_HEADER, 0);
    this.#fault.begin(error, bytes);
    const admitted = [...batch, ...this.#commit.abandon()];
    for (const { size } of admitted) this.#bytes -= size;
    this.#messages -= admitted.length;
    for (const pending of [...admitted, ...this.#queue.splice(0)]) {
      const refusal = this.#report.unavailable(messageOf(error), pending.rule, error);
      if (!pending.answered) pending.reject(refusal);
    }
  }

  #syncLater(): void {
    if (this.#closing !== undefined) return;
    this.#syncing ??= setTimeout(() => {
      this.#syncing = undefined;
      void this.#sync();
    }, this.#options.interval);
  }

  async #sync(): Promise<void> {
    try {
      if (await this.#log.sync()) await this.#progress.syncSometimes();
    } catch (error) {
      this.#fault.begin(error, 0);
    }
  }

  async #rehearse(room: number): Promise<void> {
    this.#lock ??= await lockFolder(this.#files, this.#options.folder);
    await this.#epoch.keep();
    await this.#log.rehearse(room);
  }

  #loaded(): void {
    this.#dropStale();
    this.#admitQueue();
    if (this.#entries.head !== undefined) this.#wake();
  }

  #lost(part: LostPart): void {
    this.#report.lost(part);
    this.#messages -= part.records;
    this.#bytes -= part.bytes;
    this.#log.finish(part.segment, part.records);
    this.#progress.lost({ first: part.first, last: part.first + part.records - 1 });
  }
}
